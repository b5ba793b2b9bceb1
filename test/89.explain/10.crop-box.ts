import assert from 'node:assert/strict';
import { cropBox } from '../../src/classify';
import { imagenetTransform } from '../../src/models/transform';

describe('cropBox', () => {
  /** As torchvision computes them: `Resize(256)`, then `CenterCrop(224)`. */
  const cases: [
    description: string,
    size: [number, number],
    box: [number, number, number, number],
  ][] = [
    ['a square', [256, 256], [16, 16, 224, 224]],
    ['a landscape', [512, 256], [144, 16, 224, 224]],
    ['a portrait', [256, 512], [16, 144, 224, 224]],
    // Resized to 341 x 256, with an offset of 58: 58.5, of which the half is rounded to even.
    ['a photo of 4:3', [400, 300], [(58 * 400) / 341, 18.75, (224 * 400) / 341, 262.5]],
    ['a large photo', [4000, 3000], [(58 * 4000) / 341, 187.5, (224 * 4000) / 341, 2625]],
    ['a single pixel', [1, 1], [0.0625, 0.0625, 0.875, 0.875]],
    ['a line', [1000, 1], [(127_888 * 1000) / 256_000, 0.0625, 0.875, 0.875]],
  ];
  for (const [description, [width, height], expected] of cases) {
    it(`returns the part that the crop shows of ${description}`, () => {
      const box = cropBox({ width, height }, imagenetTransform);
      const actual = [box.x, box.y, box.width, box.height];
      for (const [i, value] of actual.entries()) assert.ok(Math.abs(value - expected[i]!) < 1e-9);
    });
  }

  it('rounds offsets to even, as Python does', () => {
    const left = (margin: number) =>
      cropBox(
        { width: 10 + margin, height: 10 + margin },
        { ...imagenetTransform, resize: 10 + margin, crop: 10 },
      ).x;
    assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7].map(left), [0, 0, 1, 2, 2, 2, 3, 4]);
  });
});
