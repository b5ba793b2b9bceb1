import { readFile } from 'node:fs/promises';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { ImageError } from '../errors';
import { checkOptionNames, invalidValue } from '../options';
import { Semaphore } from '../semaphore';
import type { Pixels } from '../types';
import { withoutTransparency } from './gif';
import { toSource, type ImageInput } from './input';
import { sniff } from './sniff';

/** The most pixels that an image may have: 16,383 x 16,383, sharp's own limit. */
const maxPixels = 0x3fff ** 2;

/**
 * sharp decodes on libuv's threads, of which there are four unless `UV_THREADPOOL_SIZE` says otherwise:
 * half of them stay free for `fs` and `dns`.
 */
const libuvThreads = Number(process.env.UV_THREADPOOL_SIZE) || 4;
const decoding = new Semaphore(Math.max(1, Math.floor(libuvThreads / 2)));

/** Options of `decode`. */
export interface DecodeOptions {
  /**
   * Turns the image as its EXIF orientation says, as Pillow's `ImageOps.exif_transpose` does. Off by
   * default, as in torchvision. A TIFF is turned always, as by Pillow.
   */
  readonly orient?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Decodes an image off the JS thread. A file's pixels, as RGB, are those of Pillow's
 * `Image.open(file).convert('RGB')`: colour profiles are ignored, transparency is dropped, 16-bit
 * samples lose their low byte (in grey images they are clipped to 255, as by Pillow), and of many
 * frames or pages the first is taken. CMYK stays CMYK, for `batch` to convert. Known differences from
 * Pillow: AVIF; in TIFF premultiplied alpha, and 16-bit grey with white as 0; a 16-bit grey PNG with
 * a transparent level; the margin of a GIF that its first frame does not fill.
 *
 * Decoded pixels are checked and passed through without a copy.
 *
 * @returns interleaved samples, rows from the top
 * @throws ImageError if the file is missing, damaged, cut short, too large or of an unknown kind
 * @throws OptionError if `image` or an option is none
 */
export async function decode(image: ImageInput, options: DecodeOptions = {}): Promise<Pixels> {
  const read = await readImage(image, options);
  return 'bytes' in read ? await decodeFile(read, options) : read;
}

/** As `decode`, but gives JPEG files that are whole as they are, unless they are to be turned. */
export async function decodeUnlessJpeg(
  image: ImageInput,
  options: DecodeOptions = {},
): Promise<Pixels | EncodedFile> {
  const read = await readImage(image, options);
  if (!('bytes' in read)) return read;
  const isLeft = options.orient !== true && isWholeJpeg(read.bytes);
  return isLeft ? read : await decodeFile(read, options);
}

/** A file in memory, with a name for messages. */
export interface EncodedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** As `decode`, of a file that was read. */
export async function decodeFile(file: EncodedFile, options: DecodeOptions = {}): Promise<Pixels> {
  const { orient = false, signal } = options;
  try {
    return await decoding.run(() => decodeBySharp(file, orient, signal), signal);
  } catch (cause) {
    signal?.throwIfAborted();
    throw cause instanceof ImageError ? cause : undecodable(file, cause);
  }
}

async function readImage(image: ImageInput, options: DecodeOptions): Promise<Pixels | EncodedFile> {
  checkOptionNames(options, ['orient', 'signal'], 'decode');
  const { orient = false, signal } = options;
  if (typeof orient !== 'boolean') throw invalidValue('orient', 'true or false', orient);
  signal?.throwIfAborted();
  const source = toSource(image);
  if ('pixels' in source) return source.pixels;
  return 'path' in source
    ? { name: source.path, bytes: await read(source.path, signal) }
    : { name: `The buffer of ${source.bytes.length} bytes`, bytes: source.bytes };
}

/** Whether it begins as a JPEG, and has not lost its end. */
function isWholeJpeg(bytes: Uint8Array): boolean {
  const [start, end] = [Buffer.of(0xff, 0xd8, 0xff), Buffer.of(0xff, 0xd9)];
  const most = 1024;
  const tail = Buffer.from(bytes.subarray(-most));
  return start.equals(bytes.subarray(0, 3)) && tail.includes(end);
}

// Not left to sharp: it remembers files by their path, and gives old pixels for an overwritten one.
async function read(path: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    return await readFile(path, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    const reason = (cause as NodeJS.ErrnoException).code;
    if (reason === 'ENOENT' || reason === 'ENOTDIR') {
      throw new ImageError('ERR_SEMISUP_IMAGE_NOT_FOUND', {
        what: `There is no image ${path}.`,
        remedy: 'Check the path.',
        value: path,
        cause,
      });
    }
    throw new ImageError('ERR_SEMISUP_IMAGE_DECODE', {
      what:
        reason === 'EISDIR'
          ? `${path} is a folder.`
          : `${path} cannot be read: ${(cause as Error).message}.`,
      remedy: 'Pass the path of an image that can be read.',
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
    remedy: 'Make it smaller first.',
    value: name,
  });
}

function toPixels(bytes: Uint8Array, header: Metadata, orient: boolean): Sharp {
  const opaque = header.format === 'gif' && header.hasAlpha ? withoutTransparency(bytes) : bytes;
  const image = sharp(opaque, {
    ignoreIcc: true,
    limitInputPixels: maxPixels,
    // Cut short is an error, an unknown TIFF tag is none: as in Pillow.
    failOn: 'error',
  }).removeAlpha();
  if (orient || header.format === 'tiff') image.autoOrient();
  if (header.space === 'cmyk') {
    image.pipelineColourspace('cmyk').toColourspace('cmyk');
    return (header.depth === 'ushort' ? image.linear(1 / 256, 0) : image).raw();
  }
  // Pillow's mode I;16 is clipped; with alpha Pillow takes the high byte instead.
  if (header.space === 'grey16' && !header.hasAlpha) {
    return image.toColourspace('grey16').raw({ depth: 'uchar' });
  }
  return image.toColourspace('srgb').raw();
}

function undecodable({ name, bytes }: EncodedFile, cause: unknown): ImageError {
  const { kind, decodable } = sniff(bytes);
  const [reason] = (cause as Error).message.split('\n');
  return new ImageError('ERR_SEMISUP_IMAGE_DECODE', {
    ...(decodable
      ? {
          what: `${name} seems to be ${kind}, but cannot be decoded: ${reason}.`,
          remedy: 'It may be damaged or cut short: fetch or save it again.',
        }
      : {
          what: `${name} is no image that can be decoded; it seems to be ${kind}.`,
          remedy:
            'Pass a JPEG, PNG, WebP, GIF, TIFF or AVIF file, or convert it to one of them first.',
        }),
    value: name,
    cause,
  });
}
