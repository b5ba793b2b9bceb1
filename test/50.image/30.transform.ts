import assert from 'node:assert/strict';
import { OptionError } from '../../src/errors';
import { batch, decode } from '../../src/image';
import { Executor } from '../../src/torch';
import type { Pixels } from '../../src/types';
import { fakeGpu } from '../support/fake-gpu';
import { files, fixture, imagenet, noises } from '../support/image-goldens';
import { noise, sha256 } from '../support/pixels';

describe('the transform', () => {
  const fake = fakeGpu();
  let executor: Executor;
  before(async () => {
    executor = await Executor.open();
  });
  after(async () => {
    await executor.close();
  });

  async function run(images: Pixels[], transform = imagenet): Promise<Float32Array> {
    using tensor = await batch(executor, images, transform);
    assert.deepEqual(tensor.shape, [images.length, 3, transform.crop, transform.crop]);
    return await tensor.data();
  }

  for (const { width, height, channels, cmyk, resize, crop, tensor } of noises) {
    const kind = cmyk ? 'CMYK' : `${channels} channels`;
    it(`of ${width} x ${height}, ${kind}, to ${resize} and ${crop} is Pillow's`, async () => {
      const image = { ...noise(width, height, channels), cmyk };
      assert.equal(sha256(await run([image], { ...imagenet, resize, crop })), tensor);
    });
  }

  for (const [name, { tensor }] of Object.entries(files)) {
    it(`of ${name} is Pillow's`, async () => {
      assert.equal(sha256(await run([await decode(fixture(name))])), tensor);
    });
  }

  it('for a GPU is the same, before bytes become numbers', async () => {
    const { gpu } = await fake.open();
    const { mean, std } = imagenet;
    for (const { width, height, channels, cmyk, resize, crop } of noises) {
      const image = { ...noise(width, height, channels), cmyk };
      const transform = { ...imagenet, resize, crop };
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
        assert.fail(`${width} x ${height}: ${byte} for ${value}`);
      }
    }
  });

  for (const { width, height, tensor } of noises.filter((n) => n.width * n.height === 1000)) {
    it(`of a line of 100,000 pixels is that of its middle, ${width} x ${height}`, async () => {
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

  it('keeps the order of a batch', async () => {
    const images = [noise(300, 200, 3), noise(20, 30, 1), noise(256, 256, 4)];
    const together = await run(images);
    const each = 3 * 224 * 224;
    for (const [i, image] of images.entries()) {
      assert.deepEqual(await run([image]), together.subarray(i * each, (i + 1) * each));
    }
  });

  it('of no images is an empty tensor', async () => {
    assert.equal((await run([])).length, 0);
  });

  it('refuses values out of range', async () => {
    const wrong: [object, RegExp][] = [
      [{ resize: 0 }, /resize/],
      [{ resize: 1e9 }, /4096/],
      [{ crop: 257 }, /from 1 to 256/],
      [{ crop: 1.5 }, /crop/],
      [{ mean: [0, 0, NaN] }, /mean/],
      [{ std: [1, 1, 0] }, /std/],
      [{ std: [1, 1] }, /std/],
    ];
    for (const [values, message] of wrong) {
      await assert.rejects(batch(executor, [], { ...imagenet, ...values }), (error: unknown) => {
        assert.ok(error instanceof OptionError);
        assert.match(error.message, message);
        return true;
      });
    }
  });
});
