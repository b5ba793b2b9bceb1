import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { colors, saveColor } from '../support/color-model';
import { saveGeneratedModel } from '../support/generated-model';
import { libTorchDirectory } from '../support/libtorch-directory';
import { runCommand } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

describe('semisup teach', function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  let args: string[];

  beforeEach(async () => {
    await saveGeneratedModel(path('base.pt'), 'resnet18');
    for (const color of colors) {
      for (let i = 0; i < 8; i++)
        await saveColor(path(`photos/${color}/${i}.png`), color, 120 + 16 * i);
    }
    await saveColor(path('photos/red/wrong.png'), 'blue', 202);
    const model = ['--model', path('base.pt'), '--plan', 'untuned', '--c', '1'];
    args = ['teach', path('photos'), ...model, '--out', path('colors.pt')];
  });

  const run = async (...more: string[]) =>
    await runCommand([...args, ...more], {
      ...process.env,
      SEMISUP_LIBTORCH: libTorchDirectory(),
      XDG_CACHE_HOME: path('cache'),
    });

  it('prints the accuracy and label issues, and writes the model and a report', async () => {
    const { code, stdout, stderr } = await run('--report', path('report.html'));
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^model .* top-1 .*\ncolors +25 +96\.00 +80\.46 to 99\.29 /);
    assert.match(stdout, /C = 1\.00\. Temperature: \d/);
    assert.match(stdout, /25 embeddings computed in /);
    assert.match(stdout, /may be wrong\nlabel .*\nred +0\.\d+ +blue +0\.\d+ +red\/wrong\.png\n/);
    assert.match(stdout, /colors\.pt: 3 classes\n$/);
    assert.match(await readFile(path('report.html'), 'utf8'), /red\/wrong\.png/);
    const classified = await runCommand([
      ...['classify', path('photos/green/0.png'), '--model', path('colors.pt')],
      ...['--plan', 'untuned', '--topk', '1', '--json'],
    ]);
    const [{ predictions }] = JSON.parse(classified.stdout) as [{ predictions: [object] }];
    assert.deepEqual(
      predictions.map((one) => (one as { label: string }).label),
      ['green'],
    );
  });

  it('prints JSON', async () => {
    const { code, stdout } = await run('--json', '--folds', '3', '--class-weight', 'balanced');
    assert.equal(code, 0);
    const taught = JSON.parse(stdout) as {
      path: string;
      c: number;
      labelIssues: { name: string }[];
      crossValidation: { images: number; top1: { correct: number } };
    };
    assert.deepEqual([taught.path, taught.c], [path('colors.pt'), 1]);
    assert.equal(taught.labelIssues[0]!.name, 'red/wrong.png');
    assert.deepEqual(
      [taught.crossValidation.images, taught.crossValidation.top1.correct],
      [25, 24],
    );
  });

  it('fails with the code of the error', async () => {
    await saveColor(path('photos/pale/0.png'), 'red', 60);
    const scarce = await run();
    assert.deepEqual([scarce.code, scarce.stdout], [1, '']);
    assert.match(scarce.stderr, /but 'pale' has 1\. .*\(ERR_SEMISUP_DATASET_CLASSES\)\n$/);
    const usage = await run('--folds', '1');
    assert.equal(usage.code, 2);
    assert.match(usage.stderr, /Expected an integer from 2 for folds/);
  });
});
