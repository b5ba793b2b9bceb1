import assert from 'node:assert/strict';
import { OptionError } from '../../src/errors';
import { batch, decode } from '../../src/image';
import { Executor } from '../../src/native';
import { openExecutor } from '../../src/torch';
import type { Pixels } from '../../src/types';
import { fakeGpu } from '../support/fake-gpu';
import { files, fixture, imagenet, noises } from '../support/image-goldens';
import { noise, sha256 } from '../support/pixels';

describe('batch', () => {
  const fake = fakeGpu();
  let executor: Executor;
  before(async () => {
    executor = await openExecutor();
  });
  after(async () => {
    await executor.close();
  });

  async function run(images: Pixels[], transform = imagenet): Promise<Float32Array> {
    using tensor = await batch(executor, images, transform);
    assert.deepEqual(tensor.shape, [images.length, 3, transform.crop, transform.crop]);
    return await tensor.data();
  }

  for (const golden of noises) {
    const { width, height, channels, cmyk, resize, crop, interpolation, tensor } = golden;
    const mode = cmyk ? 'CMYK' : `${channels} channels`;
    it(`matches Pillow for ${width} x ${height}, ${mode}, ${interpolation} to ${resize}, cropped to ${crop}`, async () => {
      const image = { ...noise(width, height, channels), cmyk };
      const transform = { ...imagenet, resize, crop, interpolation };
      assert.equal(sha256(await run([image], transform)), tensor);
    });
  }

  for (const [name, { tensor }] of Object.entries(files)) {
    it(`matches Pillow for ${name}`, async () => {
      assert.equal(sha256(await run([await decode(fixture(name))])), tensor);
    });
  }

  it('returns the same pixels for a GPU, as bytes that are not yet normalized', async () => {
    const { gpu } = await fake.open();
    const { mean, std } = imagenet;
    for (const { width, height, channels, cmyk, resize, crop, interpolation } of noises) {
      const image = { ...noise(width, height, channels), cmyk };
      const transform = { ...imagenet, resize, crop, interpolation };
      const expected = await run([image, image], transform);
      using bytes = await batch(executor, [image, image], transform, gpu);
      assert.deepEqual([bytes.dtype, bytes.shape], ['uint8', [2, crop, crop, 3]]);
      const data = (await bytes.data()) as Uint8Array;
      const [pixels, f] = [crop * crop, Math.fround];
      for (const [i, value] of expected.entries()) {
        const [image, channel, pixel] = [
          Math.trunc(i / pixels / 3),
          Math.trunc(i / pixels) % 3,
          i % pixels,
        ];
        const byte = data[(image * pixels + pixel) * 3 + channel]!;
        const scaled = f(f(byte / 255) - f(mean[channel]!));
        if (value === f(scaled / f(std[channel]!))) continue;
        assert.fail(`${width} x ${height}: byte ${byte}, expected ${value}`);
      }
    }
  });

  const lines = noises.filter(
    (golden) => golden.width * golden.height === 1000 && golden.interpolation === 'bilinear',
  );
  for (const { width, height, tensor } of lines) {
    it(`crops a line of 100,000 pixels to its center, ${width} x ${height}`, async () => {
      const data = new Uint8Array(100_000 * 3);
      data.set(noise(width, height, 3).data, 49_500 * 3);
      const stretched = (side: number) => (side === 1 ? 1 : 100_000);
      const line = {
        data,
        width: stretched(width),
        height: stretched(height),
        channels: 3,
      } as const;
      assert.equal(sha256(await run([line])), tensor);
    });
  }

  it('preserves the order of the images', async () => {
    const images = [noise(300, 200, 3), noise(20, 30, 1), noise(256, 256, 4)];
    const batched = await run(images);
    const size = 3 * 224 * 224;
    for (const [i, image] of images.entries()) {
      assert.deepEqual(await run([image]), batched.subarray(i * size, (i + 1) * size));
    }
  });

  it('returns an empty tensor for no images', async () => {
    assert.equal((await run([])).length, 0);
  });

  it('rejects values out of range', async () => {
    const invalid: [object, RegExp][] = [
      [{ resize: 0 }, /resize/],
      [{ resize: 1e9 }, /4096/],
      [{ crop: 257 }, /from 1 to 256/],
      [{ crop: 1.5 }, /crop/],
      [{ mean: [0, 0, NaN] }, /mean/],
      [{ std: [1, 1, 0] }, /std/],
      [{ std: [1, 1] }, /std/],
    ];
    for (const [values, message] of invalid) {
      await assert.rejects(batch(executor, [], { ...imagenet, ...values }), (error: unknown) => {
        assert.ok(error instanceof OptionError);
        assert.match(error.message, message);
        return true;
      });
    }
  });
});
