import assert from 'node:assert/strict';
import { minSideOfCrop, scaleCrop } from '../../src/augment';
import { decode } from '../../src/image';
import { jpegShrinkFactor } from '../../src/image/jpeg-shrink';
import {
  augmentImages,
  Executor,
  openEngine,
  type CropOperation,
  type Operations,
} from '../../src/native';
import type { Pixels } from '../../src/types';
import { imagenet } from '../support/image-goldens';
import { photoOrSkip } from '../support/photos';
import { Random } from '../support/random';

describe('crops of JPEGs that are shrunk while they are decoded', () => {
  it('are never smaller than the input, and stay inside the image', () => {
    const random = new Random(3);
    let shrunk = 0;
    for (let round = 0; round < 20_000; round++) {
      const from = { width: 1 + random.below(4000), height: 1 + random.below(4000) };
      const height = 1 + random.below(from.height);
      const width = 1 + random.below(from.width);
      const top = random.below(from.height - height + 1);
      const left = random.below(from.width - width + 1);
      const size = 1 + random.below(300);
      const operations: Operations = [{ top, left, height, width }, { name: 'hflip' }];
      const minSide = minSideOfCrop(from, operations, size);
      if (minSide === undefined) {
        assert.ok(Math.min(height, width) < size);
        continue;
      }
      const factor = jpegShrinkFactor(from, minSide);
      if (factor > 1) shrunk++;
      const to = {
        width: Math.floor(from.width / factor),
        height: Math.floor(from.height / factor),
      };
      const [crop, ...others] = scaleCrop(operations, from, to);
      const what = JSON.stringify({ from, to, operations, size, crop });
      assert.deepEqual(others, [{ name: 'hflip' }]);
      assert.ok('top' in crop);
      assert.ok(crop.height >= size && crop.width >= size, what);
      assert.ok(crop.top >= 0 && crop.top + crop.height <= to.height, what);
      assert.ok(crop.left >= 0 && crop.left + crop.width <= to.width, what);
      assert.ok(Math.abs(crop.top - top / factor) <= 2 + top / from.height, what);
    }
    assert.ok(shrunk > 1000, `${shrunk} of them were shrunk`);
  });

  it('are unchanged if nothing was shrunk', () => {
    const size = { width: 500, height: 375 };
    const operations: Operations = [{ top: 3, left: 5, height: 300, width: 400 }];
    assert.deepEqual(scaleCrop(operations, size, size), operations);
    assert.deepEqual(scaleCrop([{ resize: 256 }], size, { width: 250, height: 187 }), [
      { resize: 256 },
    ]);
  });

  it('keep the resized side of a center crop, and padded images as they are', () => {
    const size = { width: 500, height: 375 };
    assert.equal(minSideOfCrop(size, [{ resize: 64 }], 56), 64);
    const padded: Operations = [
      { top: 0, left: 0, height: 200, width: 200, paddingMode: 'constant' },
    ];
    assert.equal(minSideOfCrop(size, padded, 32), undefined);
  });

  it('show the same part as those of the complete image', async function () {
    const path = photoOrSkip(this, 'n02391049_zebra.JPEG');
    const complete = await decode(path);
    const size = 32;
    const crop = {
      ...{ top: Math.floor(complete.height / 5), left: Math.floor(complete.width / 7) },
      height: Math.floor(complete.height / 2),
      width: Math.floor(complete.width / 2),
    };
    const small = await decode(path, { minSide: minSideOfCrop(complete, [crop], size) });
    assert.ok(small.shrunkFrom && small.width < complete.width);
    const [scaled] = scaleCrop([crop], small.shrunkFrom, small);
    assert.ok('top' in scaled);
    const executor = Executor.start(openEngine());
    const render = async (image: Pixels, operation: CropOperation) => {
      const transform = { ...imagenet, size };
      using tensor = await augmentImages(executor, [image], [[operation]], transform);
      return await tensor.data();
    };
    const expected = await render(complete, crop);
    const differenceOf = async (operation: CropOperation) => {
      const actual = await render(small, operation);
      return actual.reduce((sum, value, i) => sum + Math.abs(value - expected[i]!), 0);
    };
    const difference = await differenceOf(scaled);
    for (const [rows, columns] of [
      [3, 0],
      [-3, 0],
      [0, 3],
      [0, -3],
    ] as const) {
      const moved = { ...scaled, top: scaled.top + rows, left: scaled.left + columns };
      assert.ok(difference < 0.6 * (await differenceOf(moved)), `moved by ${rows}, ${columns}`);
    }
    await executor.close();
  });
});
