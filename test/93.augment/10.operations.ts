import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from '../../src/image';
import {
  augmentImages,
  Executor,
  openEngine,
  type CropOperation,
  type Operation,
  type Operations,
} from '../../src/native';
import type { Pixels } from '../../src/types';
import { imagenet } from '../support/image-goldens';
import { photosOrSkip } from '../support/photos';
import { sha256 } from '../support/pixels';
import { generate, kinds } from './images';

const modes = { L: 1, LA: 2, RGB: 3, RGBA: 4, CMYK: 4 } as const;

/** Written by make-goldens.py. Each is the SHA-256 of a batch. */
const goldens = JSON.parse(readFileSync(join(__dirname, 'goldens.json'), 'utf8')) as {
  operations: Record<string, { operation: Operation; size: number; tensor: string }[]>;
  crops: {
    width: number;
    height: number;
    mode: keyof typeof modes;
    crop: CropOperation;
    size: number;
    interpolation: 'bilinear' | 'bicubic';
    tensor: string;
  }[];
  photos: Record<string, { operations: Operations; tensor: string }>;
};

describe('augmented images', () => {
  let executor: Executor;
  before(() => {
    executor = Executor.start(openEngine());
  });
  after(async () => {
    await executor.close();
  });

  async function run(
    images: Pixels[],
    operations: Operations[],
    size: number,
    interpolation?: 'bilinear' | 'bicubic',
  ): Promise<string> {
    const transform = { ...imagenet, size, interpolation };
    using tensor = await augmentImages(executor, images, operations, transform);
    assert.deepEqual(tensor.shape, [images.length, 3, size, size]);
    return sha256(await tensor.data());
  }

  for (const [name, cases] of Object.entries(goldens.operations)) {
    it(`equal torchvision's after ${name}`, async () => {
      for (const { operation, size, tensor } of cases) {
        const images = kinds.map((kind) => generate(kind, size, size));
        const crop = { top: 0, left: 0, height: size, width: size };
        const operations = images.map((): Operations => [crop, operation]);
        const message = `${JSON.stringify(operation)} of ${size} x ${size} pixels`;
        assert.equal(await run(images, operations, size), tensor, message);
      }
    });
  }

  for (const { width, height, mode, crop, size, interpolation, tensor } of goldens.crops) {
    const what = JSON.stringify(crop).replaceAll('"', '');
    it(`equal torchvision's after ${what} of ${mode} ${width} x ${height}, ${interpolation} to ${size}`, async () => {
      const image = { ...generate('noise', width, height, modes[mode]), cmyk: mode === 'CMYK' };
      assert.equal(await run([image], [[crop]], size, interpolation), tensor);
    });
  }

  it("equal torchvision's for real photos", async function () {
    const directory = photosOrSkip(this);
    for (const [name, { operations, tensor }] of Object.entries(goldens.photos)) {
      const pixels = await decode(join(directory, name));
      assert.equal(await run([pixels], [operations], 224), tensor, name);
    }
  }).timeout(120_000);
});
