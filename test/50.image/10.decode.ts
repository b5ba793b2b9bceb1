import assert from 'node:assert/strict';
import { decode } from '../../src/image';
import { files, fixture } from '../support/image-goldens';
import { asRgb, sha256 } from '../support/pixels';

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
