import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { completeAugment } from '../../src/augment';
import { openDataset } from '../../src/dataset';
import { minSideOf } from '../../src/train/min-side';
import { TrainingSet } from '../../src/train/training-set';
import { sourceOf } from '../../src/train/training-source';
import { temporaryDirectory } from '../support/temporary';

describe('images that are shrunk while they are decoded for a training', () => {
  const directory = temporaryDirectory();

  it('keep the pixels of the smallest crop, or twice the size of the center crop', () => {
    const sizes = { size: 224, resize: 256 };
    const minSide = (crop: Parameters<typeof completeAugment>[0]) =>
      minSideOf(completeAugment(crop, sizes));
    // 8 % of 915 x 915 pixels are 224 x 299 at the ratio 3 : 4.
    assert.equal(minSide({}), 915);
    assert.equal(minSide({ crop: { scale: [0.5, 1] } }), 512);
    assert.equal(minSide({ crop: { scale: [0, 1] } }), Infinity);
    assert.equal(minSide({ crop: 'center' }), 512);
  });

  it('are decoded in full size to be judged', async () => {
    for (const [name, width, height] of [
      ['a/large.jpg', 1200, 800],
      ['a/small.jpg', 500, 400],
      ['b/large.png', 1200, 800],
      ['b/other.png', 1200, 801],
    ] as const) {
      const path = join(directory.path, name);
      await mkdir(join(path, '..'), { recursive: true });
      const background = { r: width % 256, g: height % 256, b: 0 };
      await sharp({ create: { width, height, channels: 3, background } }).toFile(path);
    }
    const source = sourceOf(await openDataset(directory.path));
    for (const cacheBytes of [0, 2 ** 24]) {
      const options = { orient: false, minSide: 250, cacheBytes };
      const set = await TrainingSet.read(source, options, undefined);
      const sizes = async (decode: (index: number) => Promise<{ width: number }>) =>
        await Promise.all(set.images.map(async (_, index) => (await decode(index)).width));
      assert.deepEqual(await sizes((index) => set.decode(index)), [400, 500, 1200, 1200]);
      assert.deepEqual(await sizes((index) => set.decodeInFull(index)), [1200, 500, 1200, 1200]);
    }
  });
});
