import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Classifier } from '../../src';
import { DownloadError } from '../../src/errors';
import { hub } from '../../src/hub';
import { photoOrSkip } from '../support/photos';

interface Golden {
  readonly class: number;
  readonly score: number;
  readonly layers: Readonly<
    Record<
      string,
      {
        readonly size: readonly [height: number, width: number];
        readonly max: number;
        readonly data: readonly number[];
      }
    >
  >;
}

const goldens = JSON.parse(readFileSync(join(__dirname, 'goldens.json'), 'utf8')) as Record<
  string,
  Golden
>;

describe("Grad-CAM by PyTorch's hooks", function () {
  this.timeout(600_000);
  let model: Classifier | undefined;
  let problem: string;

  before(async () => {
    try {
      model = await hub.load('resnet50_baseline', { plan: 'untuned' });
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      problem = error.message;
    }
  });
  after(() => model?.close());

  for (const [name, golden] of Object.entries(goldens)) {
    for (const [layer, expected] of Object.entries(golden.layers)) {
      it(`equals the heat map at ${layer} of ${name}`, async function () {
        const path = photoOrSkip(this, name);
        if (!model) {
          this.test!.title += ` (skipped: ${problem})`;
          return this.skip();
        }
        const map = await model.explain(path, { layer });
        assert.equal(map.class.index, golden.class);
        assert.ok(Math.abs(map.class.score - golden.score) < 1e-3);
        assert.deepEqual([map.height, map.width], expected.size);
        assert.ok(Math.abs(map.max / expected.max - 1) < 1e-3);
        for (const [i, value] of expected.data.entries()) {
          assert.ok(Math.abs(map.data[i]! - value) < 1e-3, `${i}: ${map.data[i]} ${value}`);
        }
      });
    }
  }
});
