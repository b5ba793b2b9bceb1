import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Classifier } from '../../src/classify';
import { DownloadError, OptionError } from '../../src/errors';
import { hub } from '../../src/hub';
import type { Precision } from '../../src/torch';
import { countCorrect, photosIn, type Counts } from '../support/accuracy';
import { photosOrSkip } from '../support/photos';
import { root, runNode } from '../support/run-node';

/** The numbers of photos that PyTorch and Pillow classify correctly, with the same weights. */
const expected: Counts = { top1: 90, top5: 100 };

/** How many more of the 100 photos may be misclassified in reduced precision than in float32. */
const losses = { bfloat16: 1, int8: 2 } as const;

describe('the baseline', function () {
  this.timeout(600_000);
  let model: Classifier | undefined;
  let problem: string;

  before(async () => {
    try {
      model = await hub.load('resnet50_baseline');
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      problem = error.message;
    }
  });
  after(() => model?.close());

  function modelOrSkip(test: Mocha.Context): Classifier {
    if (model) return model;
    test.test!.title += ` (skipped: ${problem})`;
    return test.skip();
  }

  it('classifies the drawing of a wall clock', async function () {
    const [best] = await modelOrSkip(this).classify(join(root, 'examples', 'clock.jpg'));
    assert.equal(best!.label, 'wall clock');
    assert.ok(best!.score > 0.5);
  });

  it(`reaches a top-1 accuracy of ${expected.top1} % and a top-5 accuracy of ${expected.top5} % on 100 photos`, async function () {
    const directory = photosOrSkip(this);
    assert.deepEqual(await countCorrect(modelOrSkip(this), directory), expected);
  });

  it("matches the interpreter's logits with a plan", async function () {
    const directory = photosOrSkip(this);
    const planned = modelOrSkip(this);
    assert.notEqual(planned.plan.kind, 'interpreter', planned.plan.reason);
    await using interpreter = await hub.load('resnet50_baseline', { plan: 'interpreter' });
    const photos = (await photosIn(directory)).slice(0, 16);
    const [actual, reference] = await Promise.all([
      planned.logits(photos),
      interpreter.logits(photos),
    ]);
    const [a, b] = [await actual.data(), await reference.data()];
    const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const difference = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
    assert.ok(difference < 1e-3 * largest, `${difference} of ${largest}`);
  });

  it(`loses at most ${losses.int8} photos in int8 with weights of 7 bits`, async function () {
    const directory = photosOrSkip(this);
    modelOrSkip(this);
    if (process.arch !== 'x64') {
      this.test!.title += ' (skipped: x64 only)';
      this.skip();
    }
    const { top1, top5 } = await countWith('avx2', directory);
    assert.ok(top1 >= expected.top1 - losses.int8, `${top1} top-1`);
    assert.ok(top5 >= expected.top5 - losses.int8, `${top5} top-5`);
  });

  for (const [precision, loss] of Object.entries(losses)) {
    it(`reaches at least ${expected.top1 - loss} % and ${expected.top5 - loss} % in ${precision}`, async function () {
      const directory = photosOrSkip(this);
      modelOrSkip(this);
      let model: Classifier;
      try {
        model = await hub.load('resnet50_baseline', { precision: precision as Precision });
      } catch (error) {
        if (!(error instanceof OptionError)) throw error;
        this.test!.title += ` (skipped: ${error.what})`;
        return this.skip();
      }
      const { top1, top5 } = await countCorrect(model, directory);
      await model.close();
      assert.ok(top1 >= expected.top1 - loss, `${top1} top-1`);
      assert.ok(top5 >= expected.top5 - loss, `${top5} top-5`);
    });
  }
});

/** Counts in another process, with a lower instruction set. */
async function countWith(set: string, directory: string): Promise<Counts> {
  const script = `
    const { countCorrect } = require('./test/support/accuracy');
    const { hub } = require('./src/hub');
    hub.load('resnet50_baseline', { precision: 'int8', plan: 'untuned' })
      .then((model) => countCorrect(model, process.argv[1]))
      .then((counts) => console.log(JSON.stringify(counts)));`;
  const env = { ...process.env, SEMISUP_CPU: set };
  const { stdout, stderr } = await runNode(script, [directory], env);
  assert.ok(stdout, stderr);
  return JSON.parse(stdout) as Counts;
}
