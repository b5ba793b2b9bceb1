import { ImageError } from '../errors';

/** The size of an image; the number of channels if it is known. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
  readonly channels?: number;
}

/** @throws ImageError if an image has more than `maxPixels` pixels */
export function checkImageSize(
  name: string,
  { width, height }: ImageSize,
  maxPixels: number,
): void {
  if (width * height <= maxPixels) return;
  throw new ImageError('ERR_SEMISUP_IMAGE_TOO_LARGE', {
    what: `${name} has ${width} x ${height} pixels, more than the limit of ${maxPixels}.`,
    remedy: 'Resize it first, or raise limits.pixels.',
    value: name,
  });
}
