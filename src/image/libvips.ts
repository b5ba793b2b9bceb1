import type sharp from 'sharp';
import type { Metadata, Sharp } from 'sharp';
import type { Pixels } from '../types';
import type { ImageFormat } from './formats/detect';
import { firstGifFrame, gifMargins, withoutTransparency } from './formats/gif';
import { unsupportedTiffKind } from './formats/tiff';
import { unsupportedKind } from './formats/unsupported-kind';
import { jpegShrinkFactor } from './jpeg-shrink';
import { checkPixels, type SharpInstance } from './input';
import type { DecodeLimits } from './limits';
import { loadSharp } from './native-decoders';
import type { EncodedFile } from './read';

/** The formats that sharp decodes. */
export type LibvipsFormat = Exclude<ImageFormat, 'avif' | 'bmp' | 'netpbm'>;

/**
 * Reads the header of a file.
 *
 * @throws ImageError if its kind is not supported
 */
export async function readLibvipsHeader(
  { name, bytes }: EncodedFile,
  format: LibvipsFormat,
): Promise<Metadata> {
  const tiffKind = format === 'tiff' ? unsupportedTiffKind(bytes) : undefined;
  if (tiffKind !== undefined) throw unsupportedKind(name, 'a TIFF image', tiffKind);
  return await loadSharp()(bytes, { limitInputPixels: false }).metadata();
}

/**
 * Decodes a file with sharp (libvips) to the samples that Pillow returns.
 *
 * @param shrink the factor of `shrinkFactor`
 * @throws ImageError if its kind is not supported
 */
export async function decodeWithLibvips(
  file: EncodedFile,
  format: LibvipsFormat,
  header: Metadata,
  orient: boolean,
  limits: Required<DecodeLimits>,
  shrink: number,
): Promise<Pixels> {
  const { bytes } = file;
  const sharp = loadSharp();
  const image =
    format === 'gif' ? openGif(sharp, file, limits) : openSharp(sharp, bytes, format, limits);
  if (orient || format === 'tiff') image.autoOrient();
  if (shrink > 1) {
    const width = Math.floor(header.width / shrink);
    const height = Math.floor(header.height / shrink);
    image.resize({ width, height, fit: 'fill', kernel: 'linear' });
  }
  const { data, info } = await toSamples(image.removeAlpha(), bytes, format, header).toBuffer({
    resolveWithObject: true,
  });
  return {
    data,
    width: info.width,
    height: info.height,
    channels: info.channels,
    cmyk: header.space === 'cmyk',
  };
}

/** Whether libvips stopped at the time limit, which it may do before this thread's timer runs if the event loop is busy. */
export function isLibvipsTimeout(cause: unknown): boolean {
  return cause instanceof Error && /^timeout: \d+% complete/.test(cause.message);
}

/** The factor by which a file is shrunk: 1 unless it is a JPEG that sharp can shrink while it decodes it. */
export function shrinkFactor(
  format: LibvipsFormat,
  header: Metadata,
  orient: boolean,
  minSide: number | undefined,
): number {
  // Where sharp converts CMYK or rotates first, it would decode the whole image and then drop most of its pixels.
  const isRotated = orient && (header.orientation ?? 1) > 1;
  if (format !== 'jpeg' || header.space === 'cmyk' || isRotated) return 1;
  return jpegShrinkFactor(header, minSide);
}

/** Renders a clone of a caller's instance, and so leaves the instance unchanged. */
export async function renderSharp(image: SharpInstance): Promise<Pixels> {
  const { data, info } = await image
    .clone()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  // Checked, because any object with sharp's methods may be passed.
  return checkPixels({ data, width, height, channels });
}

function openSharp(
  open: typeof sharp,
  bytes: Buffer,
  format: ImageFormat,
  limits: Required<DecodeLimits>,
): Sharp {
  return open(bytes, {
    ignoreIcc: true,
    limitInputPixels: limits.pixels,
    // As in Pillow, a truncated file is an error, but an unknown TIFF tag is not.
    failOn: 'error',
    // Otherwise libvips rejects JPEGs that cause many warnings, for example about restart markers.
    unlimited: format === 'jpeg',
  }).timeout({ seconds: Math.min(3600, Math.ceil(limits.milliseconds / 1000)) });
}

function openGif(
  open: typeof sharp,
  { name, bytes }: EncodedFile,
  limits: Required<DecodeLimits>,
): Sharp {
  const frame = firstGifFrame(bytes);
  if (!frame) throw unsupportedKind(name, 'a GIF image', 'a first frame without a color table');
  // libvips would print a warning of GLib to stderr.
  if (frame.width < 1 || frame.height < 1) {
    throw unsupportedKind(name, 'a GIF image', 'a first frame without pixels');
  }
  const { left, top, right, bottom } = gifMargins(frame);
  if (right < 0 || bottom < 0) {
    throw unsupportedKind(name, 'a GIF image', 'a first frame that exceeds the canvas');
  }
  const image = openSharp(open, withoutTransparency(bytes, frame), 'gif', limits);
  if (left + top + right + bottom === 0) return image;
  // libvips leaves the margins black; Pillow paints them in a color of the palette.
  const [r, g, b] = frame.background;
  return image
    .extract({ left, top, width: frame.width, height: frame.height })
    .extend({ left, top, right, bottom, background: { r, g, b } });
}

function toSamples(image: Sharp, bytes: Buffer, format: ImageFormat, header: Metadata): Sharp {
  if (header.space === 'cmyk') {
    image.pipelineColourspace('cmyk').toColourspace('cmyk');
    return (header.depth === 'ushort' ? image.linear(1 / 256, 0) : image).raw();
  }
  // Pillow clips 16-bit grayscale samples to 255, but takes their high byte if there is an alpha channel.
  const hasAlphaChannel = format === 'png' && bytes[25] === 4;
  if (header.space === 'grey16' && !hasAlphaChannel) {
    return image.toColourspace('grey16').raw({ depth: 'uchar' });
  }
  return image.toColourspace('srgb').raw();
}
