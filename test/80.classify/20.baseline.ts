import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Classifier } from '../../src/classify';
import { DownloadError, OptionError } from '../../src/errors';
import { hub } from '../../src/hub';
import type { Precision } from '../../src/torch';
import { photosOrSkip } from '../support/photos';
import { root } from '../support/run-node';

/** What PyTorch and Pillow give for the same weights and photos. */
const expected = { top1: 90, top5: 100 };

/** What a photo's right class may be missed by, of 100 photos, in less precision. */
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

  it('sees a wall clock in the drawing of one', async function () {
    const [best] = await modelOrSkip(this).classify(join(root, 'examples', 'clock.jpg'));
    assert.equal(best!.label, 'wall clock');
    assert.ok(best!.score > 0.5);
  });

  it(`recognises ${expected.top1} of 100 photos, and ${expected.top5} among five`, async function () {
    const folder = photosOrSkip(this);
    assert.deepEqual(await recognised(modelOrSkip(this), folder), expected);
  });

  it('answers by its plan as by TorchScript', async function () {
    const folder = photosOrSkip(this);
    const planned = modelOrSkip(this);
    assert.equal(planned.plan.kind, 'planned');
    await using plain = await hub.load('resnet50_baseline', { plan: 'interpreter' });
    const photos = await photosIn(folder);
    const [given, wanted] = await Promise.all([planned.logits(photos), plain.logits(photos)]);
    const [a, b] = [await given.data(), await wanted.data()];
    const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const difference = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
    assert.ok(difference < 1e-3 * largest, `${difference} of ${largest}`);
  });

  for (const [precision, loss] of Object.entries(losses)) {
    it(`misses at most ${loss} more of 100 photos in ${precision}`, async function () {
      const folder = photosOrSkip(this);
      modelOrSkip(this);
      let model: Classifier;
      try {
        model = await hub.load('resnet50_baseline', { precision: precision as Precision });
      } catch (error) {
        if (!(error instanceof OptionError)) throw error;
        this.test!.title += ` (skipped: ${error.what})`;
        return this.skip();
      }
      const { top1, top5 } = await recognised(model, folder);
      await model.close();
      assert.ok(top1 >= expected.top1 - loss, `${top1} top-1`);
      assert.ok(top5 >= expected.top5 - loss, `${top5} top-5`);
    });
  }
});

async function photosIn(folder: string): Promise<string[]> {
  const photos = (await readdir(folder)).filter((name) => name.endsWith('.JPEG'));
  assert.equal(photos.length, 100);
  return photos.map((name) => join(folder, name));
}

async function recognised(model: Classifier, folder: string): Promise<typeof expected> {
  const photos = await photosIn(folder);
  const places = (await model.classify(photos)).map((answer, i) => {
    const [wnid] = basename(photos[i]!).split('_');
    return answer.findIndex((one) => one.wnid === wnid);
  });
  const top = (k: number) => places.filter((place) => place >= 0 && place < k).length;
  return { top1: top(1), top5: top(5) };
}
