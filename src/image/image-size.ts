import { ImageError } from '../errors';

/** @throws ImageError if an image has more than `maxPixels` pixels */
export function checkImageSize(
  name: string,
  { width, height }: { width: number; height: number },
  maxPixels: number,
): void {
  if (width * height <= maxPixels) return;
  throw new ImageError('ERR_SEMISUP_IMAGE_TOO_LARGE', {
    what: `${name} has ${width} x ${height} pixels, more than the limit of ${maxPixels}.`,
    remedy: 'Resize it first, or raise limits.pixels.',
    value: name,
  });
}
