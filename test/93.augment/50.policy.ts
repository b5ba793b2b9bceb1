import assert from 'node:assert/strict';
import { completeAugment, sampleOperations, type AugmentOptions } from '../../src/augment';
import { OptionError } from '../../src/errors';
import { augmentImages, Executor, openEngine, type Operations } from '../../src/native';
import { imagenet } from '../support/image-goldens';
import { generate, kinds } from './images';

const input = { size: 48, resize: 56 };
const full: AugmentOptions = {
  crop: { scale: [0.2, 1] },
  colorJitter: { brightness: 0.4, hue: 0.1 },
  randAugment: {},
};

describe('the policy of augmentations', () => {
  const image = { width: 90, height: 70 };
  const sample = (options: AugmentOptions, index = 0, epoch = 0): Operations =>
    sampleOperations(completeAugment(options, input), image, { seed: 1, epoch, index });

  it('crops and mirrors by default', () => {
    const all = Array.from({ length: 100 }, (_, index) => sample({}, index));
    const names = all.map(([, ...operations]) => operations.map(({ name }) => name).join());
    assert.deepEqual([...new Set(names)].toSorted(), ['', 'hflip']);
    for (const [crop] of all)
      assert.deepEqual(Object.keys(crop), ['top', 'left', 'height', 'width']);
  });

  it('crops, mirrors, changes colors, then applies RandAugment', () => {
    const randAugment = { numOps: 3, magnitude: 0 };
    for (let index = 0; index < 50; index++) {
      const [crop, mirror, ...others] = sample({ ...full, flip: 1, randAugment }, index);
      assert.ok('height' in crop);
      assert.deepEqual(mirror, { name: 'hflip' });
      const colors = others.slice(0, 2).map(({ name }) => name);
      assert.deepEqual(colors.toSorted(), ['brightness', 'hue']);
      assert.ok(others.length <= 5);
    }
  });

  it('crops the center, or from the padded image', () => {
    assert.deepEqual(sample({ crop: 'center', flip: 0 }), [{ resize: 56 }]);
    const [padded] = sample({ crop: 'pad' });
    assert.ok('paddingMode' in padded && padded.paddingMode === 'constant');
    const [reflected] = sample({ crop: { padding: 2, paddingMode: 'reflect' } });
    assert.ok('paddingMode' in reflected && reflected.paddingMode === 'reflect');
  });

  it('refuses images that are smaller than a crop of the padded image', () => {
    const policy = completeAugment({ crop: 'pad' }, input);
    const seed = { seed: 0, epoch: 0, index: 0 };
    assert.ok(sampleOperations(policy, { width: 40, height: 40 }, seed));
    for (const size of [
      { width: 39, height: 40 },
      { width: 40, height: 39 },
    ]) {
      assert.throws(
        () => sampleOperations(policy, size, seed),
        (error: unknown) => {
          assert.ok(error instanceof OptionError);
          assert.match(error.message, /^Expected images of at least 40 x 40 pixels for a crop/);
          return true;
        },
      );
    }
  });

  it('samples the same operations for the same seed, epoch and index', () => {
    assert.deepEqual(sample(full, 3, 2), sample(full, 3, 2));
    assert.notDeepEqual(sample(full, 3, 2), sample(full, 4, 2));
    assert.notDeepEqual(sample(full, 3, 2), sample(full, 3, 3));
  });

  it('yields the same batch with one thread and with two, in one call and in many', async () => {
    const images = Array.from({ length: 24 }, (_, i) =>
      generate(kinds[i % 6]!, 60 + 5 * i, 50 + i),
    );
    const policy = completeAugment(full, input);
    const operations = images.map((size, index) =>
      sampleOperations(policy, size, { seed: 9, epoch: 1, index }),
    );
    const transform = { ...imagenet, size: input.size };
    const batches: Float32Array[] = [];
    for (const threads of [1, 2]) {
      const executor = Executor.start(openEngine(), { threads });
      using tensor = await augmentImages(executor, images, operations, transform);
      batches.push(await tensor.data());
      if (threads === 2) {
        const rows: number[] = [];
        for (const [i, image] of images.entries()) {
          using row = await augmentImages(executor, [image], [operations[i]!], transform);
          rows.push(...(await row.data()));
        }
        batches.push(Float32Array.from(rows));
      }
      await executor.close();
    }
    assert.deepEqual(batches[1], batches[0]);
    assert.deepEqual(batches[2], batches[0]);
  });

  const invalid: [AugmentOptions, RegExp][] = [
    [
      { crop: 'random' as 'pad' },
      /^Expected 'center', 'pad', \{ scale, ratio \} or .* for augment.crop,/,
    ],
    [{ crop: null as never }, /^Expected 'center', .* for augment.crop, but received null/],
    [
      { crop: { scale: [0.5, 0.2] } },
      /^Expected two numbers from 0 to 1, .* for augment.crop.scale,/,
    ],
    [{ crop: { scale: [0, 2] } }, /augment.crop.scale/],
    [{ crop: { scale: 0.5 as never } }, /augment.crop.scale/],
    [{ crop: { ratio: [0, 1] } }, /augment.crop.ratio/],
    [{ crop: { ratio: [1, NaN] } }, /augment.crop.ratio/],
    [
      { crop: { scales: [0, 1] } as never },
      /augment.crop has no option 'scales'. Did you mean 'scale'/,
    ],
    [{ crop: { padding: -1 } }, /^Expected an integer from 0 to 48 for augment.crop.padding,/],
    [
      { crop: { padding: 4, paddingMode: 'edge' as never } },
      /'constant' or 'reflect' for augment.crop.paddingMode/,
    ],
    [{ crop: { padding: 4, scale: [0, 1] } as never }, /augment.crop has no option 'scale'/],
    [{ flip: 1.1 }, /^Expected a probability from 0 to 1 for augment.flip,/],
    [{ flip: '1' as never }, /augment.flip/],
    [
      { colorJitter: { brightness: -1 } },
      /^Expected a number from 0 to 1000000 or a range for augment.colorJitter.brightness,/,
    ],
    [{ colorJitter: { hue: 0.6 } }, /augment.colorJitter.hue/],
    [{ colorJitter: { hue: [-0.6, 0] } }, /augment.colorJitter.hue/],
    [{ colorJitter: { contrast: [2, 1] } }, /augment.colorJitter.contrast/],
    [{ colorJitter: { colour: 1 } as never }, /augment.colorJitter has no option 'colour'/],
    [
      { randAugment: { magnitude: 31 } },
      /^Expected an integer from 0 to 30 for augment.randAugment.magnitude,/,
    ],
    [{ randAugment: { numMagnitudeBins: 1 } }, /augment.randAugment.numMagnitudeBins/],
    [{ randAugment: { numOps: 1.5 } }, /augment.randAugment.numOps/],
    [
      { randAugment: { num_ops: 2 } as never },
      /augment.randAugment has no option 'num_ops'. Did you mean 'numOps'/,
    ],
    [{ flips: 1 } as never, /augment has no option 'flips'. Did you mean 'flip'/],
    ['strong' as never, /^Expected an object of options for augment,/],
  ];
  for (const [options, message] of invalid) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      assert.throws(
        () => completeAugment(options, input),
        (error: unknown) => {
          assert.ok(error instanceof OptionError, String(error));
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }
});
