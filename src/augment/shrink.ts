import type { CropRectangle, Operations } from '../native';
import type { ImageSize } from './size';

/**
 * How many pixels the shorter side of a JPEG must keep while it is decoded, so that the crop of `operations` still has
 * `size` x `size` pixels: `DecodeOptions.minSide`. Pass the operations through `scaleCrop` afterwards. The result is
 * not bit-exact with torchvision, because libjpeg averages pixels before they are cropped and resized.
 *
 * @returns undefined if the image must be decoded completely: its crop is smaller than the input, or is not resized
 */
export function minSideOfCrop(
  image: ImageSize,
  [crop]: Operations,
  size: number,
): number | undefined {
  if ('resize' in crop) return crop.resize;
  const { height, width } = crop;
  const kept = Math.min(height, width);
  if (crop.paddingMode !== undefined || kept < size) return undefined;
  // The longer side may be rounded down by one pixel more.
  return Math.ceil((Math.min(image.width, image.height) * size) / kept) + 1;
}

/**
 * The operations of an image that was shrunk while it was decoded.
 *
 * @param operations those of the complete image
 * @param from its size: `DecodedPixels.shrunkFrom`
 * @param to the size after it was shrunk
 */
export function scaleCrop(
  [crop, ...others]: Operations,
  from: ImageSize,
  to: ImageSize,
): Operations {
  if ('resize' in crop) return [crop, ...others];
  const rows = scaleSpan(crop.top, crop.height, from.height, to.height);
  const columns = scaleSpan(crop.left, crop.width, from.width, to.width);
  const scaled: CropRectangle = {
    ...{ top: rows.start, height: rows.length },
    ...{ left: columns.start, width: columns.length },
  };
  return [scaled, ...others];
}

function scaleSpan(
  start: number,
  length: number,
  from: number,
  to: number,
): { start: number; length: number } {
  const scaled = Math.max(1, Math.min(to, Math.round((length * to) / from)));
  return { start: Math.min(Math.round((start * to) / from), to - scaled), length: scaled };
}
