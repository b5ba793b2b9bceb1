import assert from 'node:assert/strict';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decode } from '../../src/image';
import { files, fixture } from '../support/image-goldens';
import { asRgb, noise, sha256 } from '../support/pixels';
import { temporaryFolder } from '../support/temporary';

describe('decoded files', () => {
  for (const [name, golden] of Object.entries(files)) {
    it(`${name} has the samples of Pillow's RGB, as stored and turned`, async () => {
      const stored = await decode(fixture(name));
      const turned = await decode(fixture(name), { orient: true });
      assert.deepEqual([stored.width, stored.height], [golden.width, golden.height]);
      assert.equal(stored.cmyk, name.includes('cmyk'));
      assert.equal(sha256(asRgb(stored)), golden.samples);
      assert.equal(sha256(asRgb(turned)), golden.oriented ?? golden.samples);
    });
  }
});

describe('image inputs', () => {
  const folder = temporaryFolder();
  const path = fixture('rgb.png');
  const expected = files['rgb.png']!.samples;

  it('are paths, file URLs and bytes', async () => {
    const bytes = await readFile(path);
    const view = new Uint8Array([0, ...bytes, 0]).subarray(1, -1);
    for (const image of [path, pathToFileURL(path), pathToFileURL(path).href, bytes, view]) {
      assert.equal(sha256((await decode(image)).data), expected);
    }
  });

  it('are decoded pixels, which are not copied', async () => {
    const pixels = noise(5, 4, 2);
    const decoded = await decode(pixels);
    assert.deepEqual(decoded, { ...pixels, cmyk: false });
    assert.equal(decoded.data, pixels.data);
  });

  it('are left unchanged', async () => {
    const bytes = await readFile(fixture('palette-transparent.gif'));
    const before = sha256(bytes);
    await decode(bytes);
    assert.equal(sha256(bytes), before);
  });

  it('may have brackets in their names, which libvips would take for options', async () => {
    const odd = join(folder.path, 'photo[page=1]');
    await copyFile(path, odd);
    assert.equal(sha256((await decode(odd)).data), expected);
  });

  it('are read anew after they were overwritten', async () => {
    const overwritten = join(folder.path, 'image.webp');
    for (const name of ['rgb.webp', 'exif-6.webp']) {
      await copyFile(fixture(name), overwritten);
      assert.equal(sha256((await decode(overwritten)).data), files[name]!.samples);
    }
  });

  it("takes a canvas's ImageData, without a copy", async () => {
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
