import { readFile } from 'node:fs/promises';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { ImageError } from '../errors';
import { checkOptionNames, invalidValue } from '../options';
import { Semaphore } from '../semaphore';
import type { Pixels } from '../types';
import { withoutTransparency } from './gif-transparency';
import { toImageSource, type ImageInput } from './input';
import { sniff } from './sniff';

/** The maximum number of pixels of an image: 16,383 x 16,383, sharp's default limit. */
const maxPixels = 0x3fff ** 2;

/**
 * sharp decodes on libuv's thread pool, which has four threads unless `UV_THREADPOOL_SIZE` is set. Half of
 * them stay available to `fs` and `dns`.
 */
const libuvThreads = Number(process.env.UV_THREADPOOL_SIZE) || 4;
const decodeSemaphore = new Semaphore(Math.max(1, Math.floor(libuvThreads / 2)));

/** Options of `decode`. */
export interface DecodeOptions {
  /**
   * Rotates the image according to its EXIF orientation, like Pillow's `ImageOps.exif_transpose`. `false`
   * by default, as in torchvision. TIFF images are always rotated, as by Pillow.
   */
  readonly orient?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Decodes an image off the JS thread. The RGB pixels of a file match Pillow's
 * `Image.open(file).convert('RGB')`: color profiles are ignored, transparency is dropped, 16-bit samples
 * are truncated to their high byte (in grayscale images clipped to 255), and only the first frame or page
 * is decoded. CMYK is left for `batch` to convert. Known differences from Pillow: AVIF; TIFF with
 * premultiplied alpha, or 16-bit grayscale with 0 as white; a 16-bit grayscale PNG with a transparent
 * level; the margin of a GIF that its first frame does not fill.
 *
 * Decoded pixels are checked and returned without a copy.
 *
 * @returns interleaved samples, top row first
 * @throws ImageError if the file is missing, corrupt, truncated, too large or of an unknown format
 * @throws OptionError if `image` or an option is invalid
 */
export async function decode(image: ImageInput, options: DecodeOptions = {}): Promise<Pixels> {
  const read = await readImage(image, options);
  return 'bytes' in read ? await decodeFile(read, options) : read;
}

/** Like `decode`, but returns complete JPEG files undecoded, unless they must be rotated. */
export async function decodeUnlessJpeg(
  image: ImageInput,
  options: DecodeOptions = {},
): Promise<Pixels | EncodedFile> {
  const read = await readImage(image, options);
  if (!('bytes' in read)) return read;
  const isUnchanged = options.orient !== true && isCompleteJpeg(read.bytes);
  return isUnchanged ? read : await decodeFile(read, options);
}

/** An encoded image in memory, and its name in messages. */
export interface EncodedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Like `decode`, for a file in memory. */
export async function decodeFile(file: EncodedFile, options: DecodeOptions = {}): Promise<Pixels> {
  const { orient = false, signal } = options;
  try {
    return await decodeSemaphore.run(() => decodeBySharp(file, orient, signal), signal);
  } catch (cause) {
    signal?.throwIfAborted();
    throw cause instanceof ImageError ? cause : decodeError(file, cause);
  }
}

async function readImage(image: ImageInput, options: DecodeOptions): Promise<Pixels | EncodedFile> {
  checkOptionNames(options, ['orient', 'signal'], 'decode');
  const { orient = false, signal } = options;
  if (typeof orient !== 'boolean') throw invalidValue('orient', 'true or false', orient);
  signal?.throwIfAborted();
  const source = toImageSource(image);
  if ('pixels' in source) return source.pixels;
  return 'path' in source
    ? { name: source.path, bytes: await read(source.path, signal) }
    : { name: `The buffer of ${source.bytes.length} bytes`, bytes: source.bytes };
}

/** Whether a file starts with a JPEG marker, and contains the end marker in its last KiB. */
function isCompleteJpeg(bytes: Uint8Array): boolean {
  const [start, end] = [Buffer.of(0xff, 0xd8, 0xff), Buffer.of(0xff, 0xd9)];
  const tail = Buffer.from(bytes.subarray(-1024));
  return start.equals(bytes.subarray(0, 3)) && tail.includes(end);
}

// sharp caches files by path, and would return the old pixels of an overwritten file: read it here.
async function read(path: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    return await readFile(path, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    const reason = (cause as NodeJS.ErrnoException).code;
    if (reason === 'ENOENT' || reason === 'ENOTDIR') {
      throw new ImageError('ERR_SEMISUP_IMAGE_NOT_FOUND', {
        what: `The image ${path} does not exist.`,
        remedy: 'Check the path.',
        value: path,
        cause,
      });
    }
    throw new ImageError('ERR_SEMISUP_IMAGE_DECODE', {
      what:
        reason === 'EISDIR'
          ? `${path} is a directory.`
          : `${path} could not be read: ${(cause as Error).message}.`,
      remedy: 'Pass the path of a readable image.',
      value: path,
      cause,
    });
  }
}

async function decodeBySharp(
  file: EncodedFile,
  orient: boolean,
  signal: AbortSignal | undefined,
): Promise<Pixels> {
  const header = await sharp(file.bytes, { limitInputPixels: false }).metadata();
  checkPixelCount(file, header);
  signal?.throwIfAborted();
  const { data, info } = await toPixels(file.bytes, header, orient).toBuffer({
    resolveWithObject: true,
  });
  signal?.throwIfAborted();
  return {
    data,
    width: info.width,
    height: info.height,
    channels: info.channels,
    cmyk: header.space === 'cmyk',
  };
}

function checkPixelCount({ name }: EncodedFile, { width, height }: Metadata): void {
  if (width * height <= maxPixels) return;
  throw new ImageError('ERR_SEMISUP_IMAGE_TOO_LARGE', {
    what: `${name} has ${width} x ${height} pixels, more than the limit of ${maxPixels}.`,
    remedy: 'Resize it first.',
    value: name,
  });
}

function toPixels(bytes: Uint8Array, header: Metadata, orient: boolean): Sharp {
  const opaque = header.format === 'gif' && header.hasAlpha ? withoutTransparency(bytes) : bytes;
  const image = sharp(opaque, {
    ignoreIcc: true,
    limitInputPixels: maxPixels,
    // As in Pillow, a truncated file is an error, an unknown TIFF tag is not.
    failOn: 'error',
  }).removeAlpha();
  if (orient || header.format === 'tiff') image.autoOrient();
  if (header.space === 'cmyk') {
    image.pipelineColourspace('cmyk').toColourspace('cmyk');
    return (header.depth === 'ushort' ? image.linear(1 / 256, 0) : image).raw();
  }
  // Pillow clips mode I;16, but takes the high byte if there is an alpha channel.
  if (header.space === 'grey16' && !header.hasAlpha) {
    return image.toColourspace('grey16').raw({ depth: 'uchar' });
  }
  return image.toColourspace('srgb').raw();
}

function decodeError({ name, bytes }: EncodedFile, cause: unknown): ImageError {
  const { kind, decodable } = sniff(bytes);
  const [reason] = (cause as Error).message.split('\n');
  return new ImageError('ERR_SEMISUP_IMAGE_DECODE', {
    ...(decodable
      ? {
          what: `${name} appears to be ${kind}, but could not be decoded: ${reason}.`,
          remedy: 'It may be corrupt or truncated. Download or save it again.',
        }
      : {
          what: `${name} is not a supported image; it appears to be ${kind}.`,
          remedy:
            'Pass a JPEG, PNG, WebP, GIF, TIFF or AVIF file, or convert it to one of them first.',
        }),
    value: name,
    cause,
  });
}
