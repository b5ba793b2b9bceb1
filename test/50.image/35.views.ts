import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OptionError } from '../../src/errors';
import { batch, completeViews, decode, viewCounts } from '../../src/image';
import { Executor } from '../../src/native';
import { openExecutor } from '../../src/torch';
import type { Pixels, Transform, Views } from '../../src/types';
import { fakeGpu } from '../support/fake-gpu';
import { imagenet, type NoiseGolden } from '../support/image-goldens';
import { photoOrSkip } from '../support/photos';
import { noise, sha256 } from '../support/pixels';

type ManyViews = Exclude<Views, 'center'>;

/** Written by make-views.py, with torchvision. */
const { noises, photos } = JSON.parse(readFileSync(join(__dirname, 'views.json'), 'utf8')) as {
  noises: (Omit<NoiseGolden, 'tensor'> & Record<ManyViews, string>)[];
  /** Ten crops of each photo: 224 of 256 pixels, and 288 of 288. */
  photos: Record<string, [string, string]>;
};

const names: readonly ManyViews[] = ['flip', 'five-crop', 'ten-crop'];

describe('views of a batch', () => {
  const fake = fakeGpu();
  let executor: Executor;
  before(async () => {
    executor = await openExecutor();
  });
  after(async () => {
    await executor.close();
  });

  async function run(
    images: Pixels[],
    transform: Transform,
    views: Views | undefined,
  ): Promise<Float32Array> {
    using tensor = await batch(executor, images, { ...transform, views });
    const count = images.length * viewCounts[views ?? 'center'];
    assert.deepEqual(tensor.shape, [count, 3, transform.crop, transform.crop]);
    return await tensor.data();
  }

  for (const golden of noises) {
    const { width, height, channels, cmyk, resize, crop, interpolation } = golden;
    const mode = cmyk ? 'CMYK' : `${channels} channels`;
    it(`match torchvision's for ${width} x ${height}, ${mode}, ${interpolation} to ${resize}, cropped to ${crop}`, async () => {
      const image = { ...noise(width, height, channels), cmyk };
      const transform = { ...imagenet, resize, crop, interpolation };
      for (const views of names) {
        assert.equal(sha256(await run([image], transform, views)), golden[views], views);
      }
    });
  }

  it("match torchvision's for real photos", async function () {
    const paths = Object.keys(photos).map((name) => photoOrSkip(this, name));
    const inputs = [imagenet, { ...imagenet, resize: 288, crop: 288 }];
    for (const [i, hashes] of Object.values(photos).entries()) {
      const pixels = await decode(paths[i]!);
      for (const [j, transform] of inputs.entries()) {
        const actual = sha256(await run([pixels], transform, 'ten-crop'));
        assert.equal(actual, hashes[j], paths[i]);
      }
    }
  }).timeout(120_000);

  it('begin with the center, or contain it', async () => {
    const image = noise(401, 300, 3);
    const center = await run([image], imagenet, undefined);
    assert.deepEqual(await run([image], imagenet, 'center'), center);
    const view = (views: Float32Array, index: number) =>
      views.subarray(index * center.length, (index + 1) * center.length);
    assert.deepEqual(view(await run([image], imagenet, 'flip'), 0), center);
    assert.deepEqual(view(await run([image], imagenet, 'five-crop'), 4), center);
    assert.deepEqual(view(await run([image], imagenet, 'ten-crop'), 4), center);
  });

  it('mirror exactly', async () => {
    const { crop } = imagenet;
    // An odd number of columns remains beside the center.
    const flipped = await run([noise(321, 240, 3)], imagenet, 'flip');
    const [center, mirrored] = [
      flipped.subarray(0, flipped.length / 2),
      flipped.subarray(flipped.length / 2),
    ];
    for (let row = 0; row < 3 * crop; row++) {
      const columns = [row * crop, (row + 1) * crop] as const;
      assert.deepEqual(mirrored.subarray(...columns), center.slice(...columns).reverse());
    }
  });

  it('of an image follow one another', async () => {
    const images = [noise(300, 200, 3), noise(20, 30, 1), noise(256, 256, 4)];
    const together = await run(images, imagenet, 'ten-crop');
    const size = together.length / images.length;
    for (const [i, image] of images.entries()) {
      const alone = await run([image], imagenet, 'ten-crop');
      assert.deepEqual(together.subarray(i * size, (i + 1) * size), alone);
    }
  });

  it('of a line of 100,000 pixels do not compute what is between them', async () => {
    const data = noise(100_000, 1, 3).data;
    const line = { data, width: 100_000, height: 1, channels: 3 } as const;
    const views = await run([line], imagenet, 'five-crop');
    const size = views.length / 5;
    // The left crop shows the first pixel only, and the right one the last.
    const first = await run([{ ...line, data: data.subarray(0, 3), width: 1 }], imagenet, 'center');
    const last = await run([{ ...line, data: data.subarray(-3), width: 1 }], imagenet, 'center');
    const middle = (side: number) => side * 224 + 112;
    assert.equal(views[middle(112)], first[middle(112)]);
    assert.equal(views[size + middle(112)], last[middle(112)]);
  });

  it('are the same pixels for a GPU, as bytes that are not yet normalized', async () => {
    const { gpu } = await fake.open();
    const { crop, mean, std } = imagenet;
    const image = noise(401, 300, 3);
    const [expected] = [await run([image], imagenet, 'ten-crop')];
    using bytes = await batch(executor, [image], { ...imagenet, views: 'ten-crop' }, gpu);
    assert.deepEqual([bytes.dtype, bytes.shape], ['uint8', [10, crop, crop, 3]]);
    const data = (await bytes.data()) as Uint8Array;
    const f = Math.fround;
    for (const [i, value] of expected.entries()) {
      const [view, channel, pixel] = [
        Math.trunc(i / crop ** 2 / 3),
        Math.trunc(i / crop ** 2) % 3,
        i % crop ** 2,
      ];
      const scaled = f(
        f(data[(view * crop ** 2 + pixel) * 3 + channel]! / 255) - f(mean[channel]!),
      );
      if (value !== f(scaled / f(std[channel]!))) assert.fail(`view ${view}, pixel ${pixel}`);
    }
  });

  it('have no other names', () => {
    for (const views of ['tencrop', '', 'toString', null, 10, ['flip']]) {
      assert.throws(
        () => completeViews(views as Views),
        (error: unknown) => {
          assert.ok(error instanceof OptionError);
          assert.match(
            error.message,
            /^Expected one of 'center', 'flip', 'five-crop', 'ten-crop' for views, but received/,
          );
          return true;
        },
      );
    }
  });
});
