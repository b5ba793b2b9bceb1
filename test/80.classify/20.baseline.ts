import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Classifier } from '../../src/classify';
import { DownloadError } from '../../src/errors';
import { hub } from '../../src/hub';
import { photosOrSkip } from '../support/photos';
import { root } from '../support/run-node';

/** What PyTorch and Pillow give for the same weights and photos. */
const expected = { top1: 90, top5: 100 };

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
    const photos = (await readdir(folder)).filter((name) => name.endsWith('.JPEG'));
    const answers = await modelOrSkip(this).classify(photos.map((name) => join(folder, name)));
    const places = answers.map((answer, i) => {
      const [wnid] = basename(photos[i]!).split('_');
      return answer.findIndex((one) => one.wnid === wnid);
    });
    assert.equal(photos.length, 100);
    assert.equal(places.filter((place) => place === 0).length, expected.top1);
    assert.equal(places.filter((place) => place >= 0).length, expected.top5);
  });
});
