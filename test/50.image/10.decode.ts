import assert from 'node:assert/strict';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decode } from '../../src/image';
import { files, fixture } from '../support/image-goldens';
import { asRgb, noise, sha256 } from '../support/pixels';
import { temporaryDirectory } from '../support/temporary';

describe('decode: image formats', () => {
  for (const [name, golden] of Object.entries(files)) {
    it(`decodes ${name} to Pillow's samples, with and without EXIF orientation`, async () => {
      const stored = await decode(fixture(name));
      const oriented = await decode(fixture(name), { orient: true });
      assert.deepEqual([stored.width, stored.height], [golden.width, golden.height]);
      assert.equal(stored.cmyk, name.includes('cmyk'));
      assert.equal(sha256(asRgb(stored)), golden.samples);
      assert.equal(sha256(asRgb(oriented)), golden.oriented ?? golden.samples);
    });
  }
});

describe('decode: image inputs', () => {
  const directory = temporaryDirectory();
  const path = fixture('rgb.png');
  const expected = files['rgb.png']!.samples;

  it('accepts paths, file URLs and bytes', async () => {
    const bytes = await readFile(path);
    const view = new Uint8Array([0, ...bytes, 0]).subarray(1, -1);
    for (const image of [path, pathToFileURL(path), pathToFileURL(path).href, bytes, view]) {
      assert.equal(sha256((await decode(image)).data), expected);
    }
  });

  it('returns decoded pixels without copying them', async () => {
    const pixels = noise(5, 4, 2);
    const decoded = await decode(pixels);
    assert.deepEqual(decoded, { ...pixels, cmyk: false });
    assert.equal(decoded.data, pixels.data);
  });

  it('does not modify the input bytes', async () => {
    const bytes = await readFile(fixture('palette-transparent.gif'));
    const before = sha256(bytes);
    await decode(bytes);
    assert.equal(sha256(bytes), before);
  });

  it('opens a path with brackets, which libvips would parse as options', async () => {
    const bracketed = join(directory.path, 'photo[page=1]');
    await copyFile(path, bracketed);
    assert.equal(sha256((await decode(bracketed)).data), expected);
  });

  it('reads a file again after it was overwritten', async () => {
    const overwritten = join(directory.path, 'image.webp');
    for (const name of ['rgb.webp', 'exif-6.webp']) {
      await copyFile(fixture(name), overwritten);
      assert.equal(sha256((await decode(overwritten)).data), files[name]!.samples);
    }
  });

  it('accepts the ImageData of a canvas without copying it', async () => {
    const data = new Uint8ClampedArray([1, 2, 3, 255, 4, 5, 6, 255]);
    const pixels = await decode({ data, width: 2, height: 1 });
    assert.deepEqual(
      { ...pixels, data: [...pixels.data] },
      {
        data: [...data],
        width: 2,
        height: 1,
        channels: 4,
        cmyk: false,
      },
    );
    assert.equal(pixels.data.buffer, data.buffer);
  });
});
