import type { Pixels } from '../types';
import { avifHeader } from './formats/avif';
import { bmpSize } from './formats/bmp';
import { netpbmHeader } from './formats/netpbm';
import { unsupportedKind } from './formats/unsupported-kind';
import { loadImageRs, loadSharp } from './native-decoders';
import type { EncodedFile } from './read';

/** The formats that @napi-rs/image decodes. */
export type ImageRsFormat = 'avif' | 'bmp' | 'netpbm';

/** The size of an image, and the EXIF orientation that its header states. */
export interface ImageRsHeader {
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
}

/**
 * Decodes the formats for which sharp has no decoder (BMP, Netpbm) or one whose samples differ from Pillow's
 * (AVIF) with the image-rs and libavif of @napi-rs/image.
 *
 */
export async function decodeWithImageRs(
  file: EncodedFile,
  format: ImageRsFormat,
  { width, height, orientation }: ImageRsHeader,
  orient: boolean,
): Promise<Pixels> {
  const bytes = format === 'avif' ? withStillBrand(file.bytes) : file.bytes;
  const { Transformer } = loadImageRs();
  const data = await new Transformer(bytes).rawPixels();
  const channels = (data.length / (width * height)) as Pixels['channels'];
  const pixels = { data, width, height, channels, cmyk: false };
  return orient && orientation > 1 ? await rotate(pixels, orientation) : pixels;
}

/**
 * Reads the header of a file: the decoder itself reads it only together with the image.
 *
 * @throws ImageError if its kind is not supported
 */
export function readImageRsHeader(file: EncodedFile, format: ImageRsFormat): ImageRsHeader {
  const { name, bytes } = file;
  if (format === 'bmp') return { ...bmpSize(bytes), orientation: 1 };
  if (format === 'netpbm') {
    const header = netpbmHeader(bytes);
    if (!header) throw new Error('the header is malformed');
    if (header.maxValue > 255) {
      throw unsupportedKind(name, 'a Netpbm image', `samples up to ${header.maxValue}`);
    }
    return { ...header, orientation: 1 };
  }
  const header = avifHeader(bytes);
  if (header.isPremultiplied) throw unsupportedKind(name, 'an AVIF image', 'premultiplied alpha');
  return header;
}

/** Returns a copy with the major brand of a still image, the only one that the decoder accepts. */
function withStillBrand(avif: Buffer): Buffer {
  const copy = Buffer.from(avif);
  copy.write('avif', 8, 'latin1');
  return copy;
}

/** Applies an EXIF orientation, 2 to 8, off the JS thread. */
async function rotate(pixels: Pixels, orientation: number): Promise<Pixels> {
  const { width, height, channels } = pixels;
  const sharp = loadSharp();
  const image = sharp(pixels.data, { raw: { width, height, channels }, limitInputPixels: false });
  // sharp mirrors before it rotates.
  if (orientation === 2) image.flop();
  if (orientation === 4 || orientation === 5 || orientation === 7) image.flip();
  const angle = { 3: 180, 5: 90, 6: 90, 7: 270, 8: 270 }[orientation];
  if (angle !== undefined) image.rotate(angle);
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { ...pixels, data, width: info.width, height: info.height };
}
