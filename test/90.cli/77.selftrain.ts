import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SelftrainedModel } from '../../src/selftrain';
import { colors, saveColor } from '../support/color-model';
import { saveGeneratedModel } from '../support/generated-model';
import { libTorchDirectory } from '../support/libtorch-directory';
import { runCommand } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

describe('semisup selftrain', function () {
  this.timeout(180_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);

  beforeEach(async () => {
    await saveGeneratedModel(path('base.pt'), 'resnet18');
    for (const color of colors) {
      for (let i = 0; i < 4; i++) {
        await saveColor(path(`labeled/${color}/${i}.png`), color, 120 + 32 * i);
        await saveColor(path(`pool/${color[0]}${i}.png`), color, 112 + 32 * i);
      }
    }
    await writeFile(
      path('training.json'),
      JSON.stringify({ teacher: { batchSize: 5 }, pretrain: { batchSize: 3, lr: 0.01 } }),
    );
  });

  const run = async (out: string, ...more: string[]) =>
    await runCommand(
      [
        ...['selftrain', path('labeled'), '--pool', path('pool'), '--out', path(out)],
        ...['--teacher', path('base.pt'), '--student', path('base.pt'), '--size', '32'],
        ...['--epochs', '1', '--pretrain-epochs', '2', '--validation', '0.25', '-k', '2', ...more],
      ],
      { ...process.env, SEMISUP_LIBTORCH: libTorchDirectory() },
    );

  it('does the steps, and prints their results', async () => {
    const first = await run(
      ...['student.pt', '--until', 'select', '--json', '--training', path('training.json')],
    );
    assert.deepEqual({ code: first.code, stderr: first.stderr }, { code: 0, stderr: '' });
    const { steps, path: file } = JSON.parse(first.stdout) as SelftrainedModel;
    assert.equal(file, undefined);
    assert.deepEqual(
      steps.map(({ step }) => step),
      ['teacher', 'score', 'select'],
    );
    assert.deepEqual([steps[0]!.conditions.epochs, steps[0]!.conditions.batchSize], [1, 5]);
    assert.match(await readFile(path('student.pt.run/select/selection.html'), 'utf8'), /r3\.png/);
    const { code, stdout, stderr } = await run(
      ...['student.pt', '--training', path('training.json')],
    );
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(
      stdout,
      /^step +seconds +validation +95 % interval +result\nteacher +\d+ +\d+\.\d\d /,
    );
    assert.match(stdout, /\nscore +\d+ +12 images, 0 unreadable\n/);
    assert.match(stdout, /\nselect +\d+ +\d images, up to 2 of each class\n/);
    assert.match(stdout, /\npretrain .* 2 epochs of 6 images\nfinetune .* 1 epochs of 9 images\n/);
    assert.match(stdout, /student\.pt: the student\n$/);
  });

  it('fails with the code of the error', async () => {
    const weak = await run('a.pt', '--weak', path('pool'));
    assert.equal(weak.code, 2);
    assert.match(weak.stderr, /--weak and --tags belong together/);
    const until = await run('a.pt', '--until', 'train');
    assert.equal(until.code, 2);
    const missing = await run('a.pt', '--training', path('nothing.json'));
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /nothing\.json' is invalid\. It could not be read as JSON: /);
    await writeFile(path('other.json'), JSON.stringify({ student: {} }));
    const unknown = await run('a.pt', '--training', path('other.json'));
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /training has no option 'student'/);
  });
});
