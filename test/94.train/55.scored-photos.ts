import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Classifier, Prediction } from '../../src/classify';
import { openDataset } from '../../src/dataset';
import { DownloadError } from '../../src/errors';
import { hub } from '../../src/hub';
import { classes } from '../../src/models';
import { scorePool, selectImages } from '../../src/pseudo-labels';
import { photosOrSkip } from '../support/photos';
import { temporaryDirectory } from '../support/temporary';

/** A row of a score file. */
type Row = Record<`class_${number}` | `score_${number}`, number> & { readonly image: string };

describe('the scores of the baseline for 100 photos', function () {
  this.timeout(600_000);
  const directory = temporaryDirectory();
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
  after(async () => {
    await model?.close();
  });

  it('are those of classify, and select the photos of their classes', async function () {
    const photos = photosOrSkip(this);
    if (!model) {
      this.test!.title += ` (skipped: ${problem})`;
      return this.skip();
    }
    const out = join(directory.path, 'out');
    const pool = await openDataset(photos, { labels: false });
    const { scored, unreadable } = await scorePool(model, pool, { out, imagesPerShard: 40 });
    assert.deepEqual([scored, unreadable], [100, []]);
    const { asyncBufferFromFile, parquetReadObjects } = await import('hyparquet');
    for (const shard of [0, 1, 2]) {
      const file = await asyncBufferFromFile(join(out, `score-0000${shard}.parquet`));
      for (const row of (await parquetReadObjects({ file })) as Row[]) {
        const { image } = row;
        const expected: Prediction[] = await model.classify(join(photos, image), { topk: 10 });
        for (const [i, { index, score }] of expected.entries()) {
          // Another batch may round differently, so that nearly equal classes change places.
          const found = row[`score_${i + 1}`]!;
          assert.ok(Math.abs(found - score) < 1e-5, `${image}: ${found} and ${score}`);
          if (i === 0) assert.equal(row.class_1, index);
        }
      }
    }
    const path = join(out, 'score-00001.parquet');
    const bytes = await readFile(path);
    await rm(path);
    await scorePool(model, pool, { out, imagesPerShard: 40 });
    assert.deepEqual(await readFile(path), bytes);
    const selection = await selectImages(out, { imagesPerClass: 1, classesPerImage: 1 });
    const isOfClass = classes.filter(({ index, wnid }) =>
      [...selection.imagesOf(index)].some(({ image }) => image.startsWith(wnid)),
    );
    // The baseline is right about 90 of the photos, which are of 100 classes.
    assert.equal(isOfClass.length, 90);
  });
});
