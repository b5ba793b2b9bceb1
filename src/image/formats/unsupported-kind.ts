import { ImageError } from '../../errors';

/** The error for a kind of image that a decoder would decode to other samples than Pillow. */
export function unsupportedKind(name: string, format: string, kind: string): ImageError {
  return new ImageError('ERR_SEMISUP_IMAGE_FORMAT', {
    what: `${name} is ${format} of a kind that is not supported: ${kind}.`,
    remedy: 'Convert it to 8-bit RGB or grayscale, for example to PNG.',
    value: name,
  });
}
