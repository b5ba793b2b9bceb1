import type { AugmentPolicy } from '../augment';

/** How much larger than the size of the center crop a shrunk image stays, so that its resize averages pixels. */
const margin = 2;

/**
 * The shorter side that an image must keep to be shrunk before its augmentation: the shorter side of its smallest crop then
 * has the pixels of the model's input.
 */
export function minSideOf({ crop, size, resize }: AugmentPolicy): number {
  if (crop.kind !== 'resized') return margin * resize;
  const { scale, ratio } = crop.options;
  const shorterSide = Math.sqrt(scale[0] * Math.min(ratio[0], 1 / ratio[1]));
  return Math.max(margin * resize, Math.ceil(size / shorterSide));
}
