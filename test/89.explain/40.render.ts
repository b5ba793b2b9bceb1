import assert from 'node:assert/strict';
import { join } from 'node:path';
import sharp from 'sharp';
import { OptionError, renderHeatMap, renderOverlay, type HeatMap } from '../../src';
import { cropBox } from '../../src/classify';
import { imagenetTransform } from '../../src/models/transform';
import { noise } from '../support/pixels';
import { root } from '../support/run-node';

const clock = join(root, 'examples', 'clock.jpg');

function heatMap(image: { width: number; height: number }, label = 'wall clock'): HeatMap {
  return {
    class: { index: 0, wnid: '', label, score: 0.5 },
    data: Float32Array.of(0, 0, 0, 1),
    ...{ width: 2, height: 2, max: 1.5, image },
    box: cropBox(image, imagenetTransform),
  };
}

describe('renderHeatMap', () => {
  const pixel = ({ data, width }: ReturnType<typeof renderHeatMap>, x: number, y: number) => [
    ...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4),
  ];

  it('draws the values in the colors of the map, higher ones more opaque', () => {
    const rendered = renderHeatMap(heatMap({ width: 9, height: 9 }), { width: 60, opacity: 1 });
    assert.deepEqual([rendered.width, rendered.height, rendered.channels], [60, 60, 4]);
    assert.equal(rendered.data.length, 60 * 60 * 4);
    // The centers of the cells are at 15 and 45.
    assert.deepEqual(pixel(rendered, 2, 2), [0, 0, 4, 89]);
    assert.deepEqual(pixel(rendered, 58, 58), [252, 255, 164, 255]);
    const alphas = Array.from({ length: 60 }, (_, i) => pixel(rendered, i, i)[3]!);
    assert.deepEqual(
      alphas,
      alphas.toSorted((a, b) => a - b),
    );
  });

  it('takes the size, the color map and the opacity', () => {
    const options = { width: 8, height: 4, colorMap: 'viridis', opacity: 0 } as const;
    const rendered = renderHeatMap(heatMap({ width: 9, height: 9 }), options);
    assert.deepEqual([rendered.width, rendered.height], [8, 4]);
    assert.deepEqual(pixel(rendered, 7, 3), [253, 231, 37, 0]);
  });

  it('draws a map of one value, and one without evidence', () => {
    const one = { data: Float32Array.of(1), width: 1, height: 1 };
    assert.deepEqual(pixel(renderHeatMap(one, { width: 3 }), 0, 0).slice(0, 3), [252, 255, 164]);
    const none = { data: new Float32Array(49), width: 7, height: 7 };
    assert.ok(renderHeatMap(none).data.every((value, i) => value <= 4 || i % 4 === 3));
  });

  it('rejects invalid options and maps', () => {
    const map = heatMap({ width: 9, height: 9 });
    const calls: (() => unknown)[] = [
      () => renderHeatMap(map, { width: 0 }),
      () => renderHeatMap(map, { height: 5000 }),
      () => renderHeatMap(map, { colorMap: 'jet' as never }),
      () => renderHeatMap(map, { opacity: 2 }),
      () => renderHeatMap(map, { colormap: 'magma' } as object),
      () => renderHeatMap({ ...map, width: 3 }),
      () => renderHeatMap({ ...map, data: [0, 0, 0, 1] as never }),
      () => renderHeatMap(null as never),
    ];
    for (const call of calls) assert.throws(call, OptionError);
  });
});

describe('renderOverlay', function () {
  this.timeout(60_000);

  it('draws the map over its box, dims what the model did not see, and adds a caption', async () => {
    const map = heatMap({ width: 720, height: 540 });
    const { data, info } = await decoded(await renderOverlay(clock, map));
    assert.equal(info.width, 720);
    assert.ok(info.height > 600 && info.height < 720);
    const photo = await decoded(await sharp(clock).png().toBuffer());
    const light = (image: typeof photo, x: number, y: number) =>
      Math.max(...image.data.subarray(3 * (y * image.info.width + x)).subarray(0, 3));
    assert.ok(light({ data, info }, 20, 270) < 0.5 * light(photo, 20, 270));
    const { x, y, width, height } = map.box;
    const corner = 3 * (Math.floor(y + height * 0.97) * 720 + Math.floor(x + width * 0.97));
    const [red = 0, , blue = 255] = data.subarray(corner, corner + 3);
    assert.ok(red > blue + 30);
  });

  it('draws images of any shape, in any format', async () => {
    const sizes = [
      ...[
        [30, 20],
        [1, 1],
        [40, 900],
        [900, 10],
        [3000, 2000],
      ],
    ] as [number, number][];
    for (const [width, height] of sizes) {
      for (const channels of [1, 3, 4] as const) {
        const overlay = await renderOverlay(
          noise(width, height, channels),
          heatMap({ width, height }),
        );
        const info = await sharp(overlay).metadata();
        assert.ok(info.width >= 420 && info.width <= 1600, `${info.width}`);
      }
    }
    for (const format of ['png', 'jpeg', 'webp'] as const) {
      const overlay = await renderOverlay(clock, heatMap({ width: 720, height: 540 }), { format });
      assert.equal((await sharp(overlay).metadata()).format, format);
    }
  });

  it('draws any label', async () => {
    for (const label of ['<b>&"\'\u0000\u001b]]>', '猫 🐈', 'a'.repeat(1000), '']) {
      await renderOverlay(clock, heatMap({ width: 720, height: 540 }, label));
    }
  });

  it('draws an image of inks, and one that must be rotated', async () => {
    const inks = await sharp(clock).toColourspace('cmyk').jpeg().toBuffer();
    await renderOverlay(inks, heatMap({ width: 720, height: 540 }));
    const turned = await sharp(clock).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    await renderOverlay(turned, heatMap({ width: 540, height: 720 }), { orient: true });
  });

  it('rejects another image than that of the map, and invalid options', async () => {
    const map = heatMap({ width: 540, height: 720 });
    await assert.rejects(renderOverlay(clock, map), /540 x 720.*the same `orient`/);
    for (const options of [{ format: 'gif' }, { opacity: NaN }, { colour: 1 }, { signal: 1 }]) {
      await assert.rejects(renderOverlay(clock, map, options as never), OptionError);
    }
    await assert.rejects(renderOverlay(clock, { ...map, box: undefined as never }), OptionError);
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await assert.rejects(
      renderOverlay(clock, heatMap({ width: 720, height: 540 }), { signal }),
      reason,
    );
  });

  async function decoded(file: Buffer) {
    return await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  }
});
