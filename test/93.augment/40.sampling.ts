import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { completeColorJitter, sampleColorJitter } from '../../src/augment/color-jitter';
import { augmentationSpace, sampleRandAugment } from '../../src/augment/rand-augment';
import { completeRandomCrop, sampleCrop } from '../../src/augment/random-crop';
import {
  completeRandomResizedCrop,
  sampleResizedCrop,
} from '../../src/augment/random-resized-crop';
import { happens, integer, randomOfSample, shuffle, uniform } from '../../src/augment/random';
import { roundHalfToEven } from '../../src/augment/round';
import type { CropRectangle, Operation } from '../../src/native';

const { magnitudes } = JSON.parse(readFileSync(join(__dirname, 'goldens.json'), 'utf8')) as {
  magnitudes: {
    bins: number;
    magnitude: number;
    size: number;
    table: Record<string, [value: number, isSigned: boolean]>;
  }[];
};

const samples = 4000;

/** Draws one value for each of many samples. */
function draw<T>(sample: (random: ReturnType<typeof randomOfSample>) => T): T[] {
  return Array.from({ length: samples }, (_, index) =>
    sample(randomOfSample({ seed: 1, epoch: 2, index })),
  );
}

/**
 * Asserts that values are equally frequent in all bins. The bound is exceeded by 1 in 10,000 uniform samples (Wilson
 * and Hilferty's approximation of the chi-square distribution), but the seeds are fixed.
 */
function assertUniform(values: readonly number[], bins: number): void {
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) counts[value]!++;
  const expected = values.length / bins;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const freedom = bins - 1;
  const spread = 2 / (9 * freedom);
  const bound = freedom * (1 - spread + 3.719 * Math.sqrt(spread)) ** 3;
  assert.ok(chiSquare < bound, `chi-square ${chiSquare} of ${counts.join(', ')}`);
}

function binOf(value: number, [min, max]: readonly [number, number], bins: number): number {
  assert.ok(value >= min && value <= max, `${value} is not in [${min}, ${max}]`);
  return Math.min(bins - 1, Math.floor((bins * (value - min)) / (max - min)));
}

describe('random numbers of samples', () => {
  it('are uniform over samples, over epochs, and within a sample', () => {
    const first = (seed: number, epoch: number, index: number) =>
      binOf(uniform(randomOfSample({ seed, epoch, index }), [0, 1]), [0, 1], 50);
    const indices = Array.from({ length: samples }, (_, i) => i);
    assertUniform(
      indices.map((i) => first(0, 0, i)),
      50,
    );
    assertUniform(
      indices.map((i) => first(0, i, 0)),
      50,
    );
    assertUniform(
      indices.map((i) => first(i, 0, 0)),
      50,
    );
    const random = randomOfSample({ seed: 3, epoch: 0, index: 0 });
    assertUniform(
      indices.map(() => binOf(uniform(random, [-2, 5]), [-2, 5], 50)),
      50,
    );
  });

  it('of neighboring samples and epochs are independent', () => {
    const bin = (epoch: number, index: number) =>
      binOf(uniform(randomOfSample({ seed: 0, epoch, index }), [0, 1]), [0, 1], 5);
    const indices = Array.from({ length: samples }, (_, i) => i);
    assertUniform(
      indices.map((i) => bin(0, i) * 5 + bin(0, i + 1)),
      25,
    );
    assertUniform(
      indices.map((i) => bin(0, i) * 5 + bin(1, i)),
      25,
    );
  });

  it('depend on the seed, the epoch and the index, and on nothing else', () => {
    const numbers = (seed: number, epoch: number, index: number) => {
      const random = randomOfSample({ seed, epoch, index });
      return [1, 2, 3].map(() => random.next());
    };
    assert.deepEqual(numbers(1, 2, 3), numbers(1, 2, 3));
    for (const other of [numbers(2, 2, 3), numbers(1, 3, 3), numbers(1, 2, 4), numbers(12, 3, 3)]) {
      assert.notDeepEqual(other, numbers(1, 2, 3));
    }
    // Training that is resumed with a later version must see the same images.
    assert.deepEqual(numbers(1, 2, 3), [554181243, -1243872377, -441759754]);
  });

  it('make integers, events and orders uniform', () => {
    assertUniform(
      draw((random) => integer(random, 3, 9) - 3),
      7,
    );
    const share = draw((random) => happens(random, 0.3)).filter(Boolean).length / samples;
    assert.ok(Math.abs(share - 0.3) < 4 * Math.sqrt((0.3 * 0.7) / samples), `${share}`);
    assert.ok(draw((random) => happens(random, 1)).every(Boolean));
    assert.ok(!draw((random) => happens(random, 0)).some(Boolean));
    const orders = ['abc', 'acb', 'bac', 'bca', 'cab', 'cba'];
    assertUniform(
      draw((random) => orders.indexOf(shuffle(random, ['a', 'b', 'c']).join(''))),
      6,
    );
  });

  it('round halves to even', () => {
    const values = [0.5, 1.5, 2.5, -1.5, 0.49999999999999994, 2.6, -2.6];
    assert.deepEqual(values.map(roundHalfToEven), [0, 2, 2, -2, 0, 3, -3]);
  });
});

describe('RandomResizedCrop', () => {
  const image = { width: 500, height: 375 };
  const defaults = completeRandomResizedCrop({});
  const isInside = ({ top, left, height, width }: CropRectangle, size = image) =>
    top >= 0 && left >= 0 && top + height <= size.height && left + width <= size.width;

  it('has areas and ratios in their ranges', () => {
    for (const crop of draw((random) => sampleResizedCrop(random, image, defaults))) {
      assert.ok(isInside(crop));
      const area = (crop.width * crop.height) / (image.width * image.height);
      assert.ok(area > 0.078 && area <= 1, `area ${area}`);
      const ratio = crop.width / crop.height;
      assert.ok(ratio > 0.74 && ratio < 1.35, `ratio ${ratio}`);
    }
  });

  it('has uniform areas, log-uniform ratios and uniform places', () => {
    // These always fit, so that the first try is taken.
    const options = completeRandomResizedCrop({ scale: [0.1, 0.3], ratio: [0.5, 2] });
    const square = { width: 2000, height: 2000 };
    const crops = draw((random) => sampleResizedCrop(random, square, options));
    const log = Math.log(2.01);
    const areas = crops.map(({ width, height }) => (width * height) / 4e6);
    assertUniform(
      areas.map((area) => binOf(area, [0.0995, 0.3005], 20)),
      20,
    );
    const ratios = crops.map(({ width, height }) => Math.log(width / height));
    assertUniform(
      ratios.map((ratio) => binOf(ratio, [-log, log], 20)),
      20,
    );
    assertUniform(
      crops.map(({ left, width }) => binOf(left, [0, 2000 - width], 20)),
      20,
    );
    assertUniform(
      crops.map(({ top, height }) => binOf(top, [0, 2000 - height], 20)),
      20,
    );
  });

  it('falls back to the center if no crop fits', () => {
    const fallback = (width: number, height: number, ratio?: readonly [number, number]) => {
      const options = completeRandomResizedCrop({ scale: [1, 1], ratio });
      const [first, ...others] = draw((random) =>
        sampleResizedCrop(random, { width, height }, options),
      );
      for (const crop of others) assert.deepEqual(crop, first);
      return first;
    };
    // As torchvision computes them.
    assert.deepEqual(fallback(100, 1000), { top: 433, left: 0, height: 133, width: 100 });
    assert.deepEqual(fallback(1000, 100), { top: 0, left: 433, height: 100, width: 133 });
    assert.deepEqual(fallback(301, 100, [1, 1]), { top: 0, left: 100, height: 100, width: 100 });
    assert.deepEqual(fallback(100, 302, [1, 1]), { top: 101, left: 0, height: 100, width: 100 });
    assert.deepEqual(fallback(1, 1, [2, 3]), { top: 0, left: 0, height: 1, width: 1 });
  });

  it('is the whole image if only that is allowed', () => {
    const options = completeRandomResizedCrop({ scale: [1, 1], ratio: [1, 1] });
    const crops = draw((random) => sampleResizedCrop(random, { width: 32, height: 32 }, options));
    for (const crop of crops) assert.deepEqual(crop, { top: 0, left: 0, height: 32, width: 32 });
  });

  it('crops images of one pixel', () => {
    const crops = draw((random) => sampleResizedCrop(random, { width: 1, height: 1 }, defaults));
    for (const crop of crops) assert.deepEqual(crop, { top: 0, left: 0, height: 1, width: 1 });
  });
});

describe('RandomCrop', () => {
  it('is uniform over the padded image', () => {
    const options = completeRandomCrop({ padding: 4 }, 32);
    const crops = draw((random) =>
      sampleCrop(random, { width: 32, height: 32 }, options, 32),
    ) as CropRectangle[];
    for (const { height, width } of crops) assert.deepEqual([height, width], [32, 32]);
    assertUniform(
      crops.map(({ top, left }) => (top + 4) * 9 + left + 4),
      81,
    );
  });
});

describe('ColorJitter', () => {
  const jitter = completeColorJitter({ brightness: 0.4, contrast: [0.5, 3], hue: 0.1 });

  it('has uniform factors', () => {
    const all = draw((random) => sampleColorJitter(random, jitter));
    const valuesOf = (name: string) =>
      all.map((operations) => valueOf(operations.find((operation) => operation.name === name)!));
    assertUniform(
      valuesOf('brightness').map((value) => binOf(value, [0.6, 1.4], 20)),
      20,
    );
    assertUniform(
      valuesOf('contrast').map((value) => binOf(value, [0.5, 3], 20)),
      20,
    );
    assertUniform(
      valuesOf('hue').map((value) => binOf(value, [-0.1, 0.1], 20)),
      20,
    );
  });

  it('has the operations that are on, in each order equally often', () => {
    const orders = draw((random) =>
      sampleColorJitter(random, jitter)
        .map(({ name }) => name[0])
        .join(''),
    );
    const all = ['bch', 'bhc', 'cbh', 'chb', 'hbc', 'hcb'];
    assertUniform(
      orders.map((order) => all.indexOf(order)),
      6,
    );
  });

  it('does not brighten by a negative factor', () => {
    assert.deepEqual(completeColorJitter({ brightness: 1.5 }), { brightness: [0, 2.5] });
    assert.deepEqual(completeColorJitter({ contrast: 0, hue: [0, 0], saturation: [1, 1] }), {});
  });
});

describe('RandAugment', () => {
  for (const { bins, magnitude, size, table } of magnitudes) {
    it(`has torchvision's magnitude ${magnitude} of ${bins} for ${size} pixels`, () => {
      const options = { numOps: 1, magnitude, numMagnitudeBins: bins };
      const space = augmentationSpace(options, size);
      assert.deepEqual(
        space.map(({ name }) => name),
        Object.keys(table),
      );
      for (const { name, isSigned, operation } of space) {
        const [value, signed] = table[name]!;
        assert.equal(isSigned, signed, name);
        for (const sign of [1, -1] as const) {
          const [one] = operation(sign);
          if (!one || !('value' in one)) continue;
          assert.equal(one.value, parameterOf(name, signed ? sign * value : value), name);
        }
      }
    });
  }

  /** What torchvision passes to its function for a magnitude. */
  function parameterOf(name: string, magnitude: number): number {
    if (name.startsWith('Translate')) return Math.trunc(magnitude);
    const isFactor = ['Brightness', 'Color', 'Contrast', 'Sharpness'].includes(name);
    return isFactor ? 1 + magnitude : magnitude;
  }

  it('has each operation equally often, with each sign', () => {
    const options = { numOps: 2, magnitude: 9, numMagnitudeBins: 31 };
    const names = augmentationSpace(options, 224).map(({ operation }) => operation(1)[0]?.name);
    const all = draw((random) => sampleRandAugment(random, { ...options, numOps: 1 }, 224));
    assertUniform(
      all.map(([operation]) => names.indexOf(operation?.name)),
      14,
    );
    const turns = all.flat().filter(({ name }) => name === 'rotate');
    assertUniform(
      turns.map((turn) => (valueOf(turn) > 0 ? 1 : 0)),
      2,
    );
    const pairs = draw((random) => sampleRandAugment(random, options, 224).length);
    // The identity is no operation.
    assert.deepEqual([...new Set(pairs)].toSorted(), [0, 1, 2]);
  });
});

function valueOf(operation: Operation): number {
  assert.ok('value' in operation);
  return operation.value;
}
