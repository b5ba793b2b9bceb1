import assert from 'node:assert/strict';
import { join } from 'node:path';
import { libTorchDirectory } from '../support/libtorch-directory';
import { runScript } from '../support/run-node';
import { picturesProblem, unpackPictures } from '../support/small-pictures';
import { temporaryDirectory } from '../support/temporary';

describe('the experiment with the method, in its short form', function () {
  this.timeout(300_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);

  it('trains a teacher, and a student on what it selects', async function () {
    if (picturesProblem !== undefined) {
      this.test!.title += ` (skipped: ${picturesProblem})`;
      return this.skip();
    }
    const data = await unpackPictures(path('pictures'));
    const args = ['--short', '--seeds', '0', '--data', data, '--run-dir', path('runs')];
    const env = { ...process.env, SEMISUP_LIBTORCH: libTorchDirectory() };
    const { code, stdout, stderr } = await runScript('experiments/method/run.mjs', args, env);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    const [header, ...rows] = stdout.trim().split('\n');
    assert.equal(header, 'seed,condition,stage,imagesPerClass,pairs,precision,correct,total');
    const accuracies = new Map<string, number>();
    for (const row of rows) {
      const [seed, condition, stage, , pairs, precision, correct, total] = row.split(',');
      assert.deepEqual([seed, total], ['0', '2000']);
      accuracies.set(`${condition} ${stage}`, Number(correct) / Number(total));
      if (pairs === '') continue;
      assert.equal(pairs, '1440');
      // Three times what the choice of images at random would have.
      assert.ok(Number(precision) > 0.3, row);
    }
    assert.deepEqual(
      [...accuracies.keys()],
      [
        ...['teacher supervised', 'supervised supervised'],
        ...['student-144 pretrained', 'student-144 finetuned'],
      ],
    );
    // Chance is 0.1; with this few steps the rounding of a processor decides which of them is the best.
    for (const [name, accuracy] of accuracies) assert.ok(accuracy > 0.2, `${name}: ${accuracy}`);
  });
});
