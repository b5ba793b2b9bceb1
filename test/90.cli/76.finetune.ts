import assert from 'node:assert/strict';
import { join } from 'node:path';
import { colors, saveColor } from '../support/color-model';
import { saveGeneratedModel } from '../support/generated-model';
import { libTorchDirectory } from '../support/libtorch-directory';
import { runCommand } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

describe('semisup finetune', function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);

  beforeEach(async () => {
    await saveGeneratedModel(path('base.pt'), 'resnet18');
    for (const color of colors) {
      for (let i = 0; i < 8; i++)
        await saveColor(path(`photos/${color}/${i}.png`), color, 120 + 16 * i);
    }
  });

  const run = async (...more: string[]) => await runWith({}, ...more);
  const runWith = async (env: NodeJS.ProcessEnv, ...more: string[]) =>
    await runCommand(
      [
        ...['finetune', path('photos'), '--model', path('base.pt'), '--out', path('colors.pt')],
        ...['--size', '32', '--epochs', '2', '--batch-size', '6', '--validation', '0.25', ...more],
      ],
      { ...process.env, SEMISUP_LIBTORCH: libTorchDirectory(), ...env },
    );

  it('prints the epochs and the validation of the best one', async () => {
    const { code, stdout, stderr } = await run('--rand-augment', '9', '--mixup', '0.2');
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^epoch +lr +loss +accuracy +validation +NLL\n +1 .*\n +2 .*\n\nmodel /);
    assert.match(stdout, /\ncolors +6 +\d/);
    assert.match(stdout, /colors\.pt: epoch [12], 3 classes\n$/);
    const classified = await runCommand([
      ...['classify', path('photos/green/0.png'), '--model', path('colors.pt')],
      ...['--plan', 'untuned', '--json'],
    ]);
    assert.equal(classified.code, 0);
  });

  it('prints JSON, and takes a dataset for the validation', async () => {
    for (const color of colors) await saveColor(path(`val/${color}/x.png`), color, 130);
    const { code, stdout, stderr } = await run(
      ...['--json', '--validation', path('val'), '--schedule', '1,1.5', '--trainable', 'head'],
    );
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    const trained = JSON.parse(stdout) as {
      path: string;
      completed: boolean;
      epochs: { lr: number }[];
      validation: { images: number };
    };
    assert.deepEqual([trained.path, trained.completed], [path('colors.pt'), true]);
    // The second epoch's last update comes after both drops.
    assert.deepEqual([trained.epochs[0]!.lr, trained.epochs[1]!.lr.toFixed(6)], [0.01, '0.000100']);
    assert.equal(trained.validation.images, 3);
  });

  it('fails with the code of the error', async () => {
    const usage = await run('--lr', 'high');
    assert.deepEqual([usage.code, usage.stdout], [2, '']);
    assert.match(usage.stderr, /Expected a number from 0 to 1000 for lr, but received NaN/);
    const choice = await run('--optimizer', 'adam');
    assert.equal(choice.code, 2);
    await run('--epochs', '1');
    const other = await run('--epochs', '1', '--seed', '1');
    assert.equal(other.code, 1);
    assert.match(other.stderr, /belongs to another run: seed was 0, and is now 1\..*_RUN\)\n$/);
  });

  it('refuses bfloat16 on a processor without it', async function () {
    if (process.arch !== 'x64') {
      this.test!.title += ' (skipped: only on x64 can the instructions be excluded)';
      return this.skip();
    }
    const env = { ONEDNN_MAX_CPU_ISA: 'AVX2' };
    const { code, stderr } = await runWith(env, '--precision', 'bfloat16');
    assert.equal(code, 2, stderr);
    assert.match(stderr, /precision 'bfloat16' is not available: .* bfloat16 instructions/);
  });
});
