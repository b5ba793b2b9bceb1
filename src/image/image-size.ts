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

/** The error for a kind of image that a decoder would decode to other samples than Pillow. */
export function unsupportedKind(name: string, format: string, kind: string): ImageError {
  return new ImageError('ERR_SEMISUP_IMAGE_FORMAT', {
    what: `${name} is ${format} of a kind that is not supported: ${kind}.`,
    remedy: 'Convert it to 8-bit RGB or grayscale, for example to PNG.',
    value: name,
  });
}
