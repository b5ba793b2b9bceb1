import assert from 'node:assert/strict';
import { batch, decode } from '../../src/image';
import { openExecutor } from '../../src/torch';
import { imagenet, photos } from '../support/image-goldens';
import { photoOrSkip } from '../support/photos';
import { asRgb, sha256 } from '../support/pixels';

describe('decode and batch', () => {
  it('match Pillow for real photos', async function () {
    const paths = Object.keys(photos).map((name) => photoOrSkip(this, name));
    const executor = await openExecutor();
    try {
      for (const [i, golden] of Object.values(photos).entries()) {
        const pixels = await decode(paths[i]!);
        using tensor = await batch(executor, [pixels], imagenet);
        assert.deepEqual([sha256(asRgb(pixels)), sha256(await tensor.data())], golden, paths[i]);
      }
    } finally {
      await executor.close();
    }
  });
});
