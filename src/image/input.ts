import { fileURLToPath } from 'node:url';
import { isAnyArrayBuffer, isUint8Array, isUint8ClampedArray } from 'node:util/types';
import { OptionError } from '../errors';
import { isDetached, isResizable } from '../buffers';
import { abbreviate, guardGetters, invalidValue } from '../options';
import type { Pixels } from '../types';

/** The `ImageData` of a canvas, RGBA. */
export interface ImageDataLike {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Decoded pixels in a `Uint8ClampedArray`, such as the `RawImage` of transformers.js. */
export interface ClampedPixels extends Omit<Pixels, 'data'> {
  readonly data: Uint8ClampedArray;
}

/** A sharp instance. Declared here, because an application may use its own version. */
export interface SharpInstance {
  /** Copies the pipeline without its input. */
  clone(): SharpInstance;
  /** Reads the header of the input. */
  metadata(): Promise<object>;
  /** Selects raw pixels as the output. */
  raw(options?: { depth?: 'uchar' }): SharpInstance;
  /** Selects the color space of the output. */
  toColourspace(colourspace?: string): SharpInstance;
  /** Runs the pipeline. */
  toBuffer(options: { resolveWithObject: true }): Promise<{
    data: Uint8Array;
    info: { width: number; height: number; channels: Pixels['channels'] };
  }>;
}

/** A stream of the bytes of an encoded file: a `Readable`, a web stream or any async iterable. */
export type ImageStream = AsyncIterable<Uint8Array>;

/**
 * An image:
 * - a path or file URL;
 * - an encoded file as Buffer, Uint8Array, ArrayBuffer, Blob, File or readable stream;
 * - a sharp instance, which is left unchanged;
 * - decoded pixels `{ data, width, height, channels }`, or the `ImageData` of a canvas.
 *
 * Buffers and pixels are read in place while a call is pending: do not write to them or transfer them until
 * it settles.
 */
export type ImageInput =
  | string
  | URL
  | Uint8Array
  | ArrayBufferLike
  | Blob
  | ImageStream
  | SharpInstance
  | Pixels
  | ClampedPixels
  | ImageDataLike;

/** A checked `ImageInput`, by kind. */
export type ImageSource =
  | { path: string }
  | { bytes: Buffer }
  | { blob: Blob }
  | { stream: ImageStream }
  | { sharp: SharpInstance }
  | { pixels: Pixels };

/**
 * Determines the kind of an `ImageInput`, and checks decoded pixels. Nothing is read or copied.
 *
 * @throws OptionError if its kind is not supported, or the pixels do not match their width and height
 */
export function toImageSource(image: ImageInput): ImageSource {
  return guardGetters('the image', image, () => sourceOf(image));
}

function sourceOf(image: ImageInput): ImageSource {
  if (typeof image === 'string') return { path: checkPath(image) };
  // A Buffer of this realm: sharp rejects the typed arrays of others.
  if (isUint8Array(image)) {
    checkEncoded(image.buffer);
    return { bytes: Buffer.from(image.buffer, image.byteOffset, image.byteLength) };
  }
  if (isAnyArrayBuffer(image)) {
    checkEncoded(image);
    return { bytes: Buffer.from(image) };
  }
  if (typeof image === 'object' && image !== null) {
    if (image instanceof URL) return { path: toPath(image) };
    if (image instanceof Blob) return { blob: image };
    // A sharp instance is a stream, too.
    if (isSharp(image)) return { sharp: image };
    if (Symbol.asyncIterator in image) return { stream: image };
    if ('data' in image) return { pixels: checkPixels(image) };
  }
  throw invalidImage(
    'an image',
    'a path, a file URL, an encoded file (Buffer, Uint8Array, ArrayBuffer, Blob or stream), a sharp instance, or { data, width, height, channels }',
    image,
  );
}

function checkEncoded(buffer: ArrayBufferLike): void {
  if (isResizable(buffer)) throw invalidImage('an image', 'a non-resizable buffer', buffer);
  if (isDetached(buffer)) throw invalidImage('an image', 'a buffer that is not detached', buffer);
}

function isSharp(image: object): image is SharpInstance {
  return ['metadata', 'raw', 'toBuffer', 'clone'].every(
    (name) => typeof (image as Record<string, unknown>)[name] === 'function',
  );
}

/** The longest path of an operating system that Node supports: Windows with long paths. */
const maxPathLength = 32_767;

function checkPath(text: string): string {
  if (text === '') throw invalidImage('an image', 'a path', text);
  if (/^(file|https?|data):/i.test(text)) return toPath(text);
  if (text.length <= maxPathLength) return text;
  throw new OptionError('ERR_SEMISUP_OPTION_VALUE', {
    what: `Expected a path for an image, but received '${abbreviate(text)}', which is longer than a path can be.`,
    remedy: `If it is a file in Base64, pass Buffer.from(text, 'base64').`,
    value: text,
  });
}

function toPath(url: string | URL): string {
  try {
    return fileURLToPath(url);
  } catch {
    const isData = String(url).slice(0, 5).toLowerCase() === 'data:';
    throw new OptionError('ERR_SEMISUP_OPTION_VALUE', {
      what: `Expected a path or a file URL for an image, but received '${abbreviate(String(url))}'.`,
      remedy: isData
        ? `Pass its bytes: Buffer.from(url.split(',')[1], 'base64').`
        : 'Download it first, and pass its bytes: (await fetch(url)).body, for example.',
      value: url,
    });
  }
}

/**
 * Checks decoded pixels, and copies the properties, so that they cannot change after they are checked.
 *
 * @throws OptionError if they do not match their width and height
 */
export function checkPixels(image: Pixels | ClampedPixels | ImageDataLike): Pixels {
  const { width, height } = image;
  // Only an object without `channels` is ImageData, which is always RGBA.
  const { channels, cmyk = false } = 'channels' in image ? image : { channels: 4 as const };
  const { data } = image;
  if (!isUint8Array(data) && !isUint8ClampedArray(data)) {
    throw invalidImage("an image's data", 'a Buffer, Uint8Array or Uint8ClampedArray', data);
  }
  if (isResizable(data.buffer)) {
    throw invalidImage("an image's data", 'a non-resizable buffer', data.buffer);
  }
  checkSide("an image's width", width);
  checkSide("an image's height", height);
  if (![1, 2, 3, 4].includes(channels)) {
    throw invalidImage("an image's channels", '1, 2, 3 or 4', channels);
  }
  if (typeof cmyk !== 'boolean' || (cmyk && channels !== 4)) {
    throw invalidImage("an image's cmyk", 'a boolean, true only with 4 channels,', cmyk);
  }
  if (width * height * channels !== data.length) {
    throw invalidImage(
      "an image's data",
      `${width} x ${height} x ${channels} = ${width * height * channels} bytes`,
      data.length,
    );
  }
  const bytes = isUint8Array(data)
    ? data
    : new Uint8Array(data.buffer, data.byteOffset, data.length);
  return { data: bytes, width, height, channels, cmyk };
}

function checkSide(name: string, side: number): void {
  if (!Number.isSafeInteger(side) || side < 1) {
    throw invalidImage(name, 'a positive integer', side);
  }
}

/** An image cannot be omitted, as an option can. */
function invalidImage(name: string, expected: string, received: unknown): OptionError {
  return invalidValue(name, expected, received, 'Correct the image.');
}
