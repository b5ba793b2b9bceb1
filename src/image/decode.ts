import { isDetached } from '../buffers';
import { DecoderError, ImageError, SemisupError } from '../errors';
import { errorReason } from '../net/error-reason';
import { abbreviate, checkOptionNames, invalidValue } from '../options';
import type { Pixels } from '../types';
import { DecodeTimeout, runDecoder } from './decoder-threads';
import { describeFormat, detectFormat, type ImageFormat } from './formats/detect';
import { decodeWithImageRs, readImageRsHeader } from './image-rs';
import { checkImageSize, type ImageSize } from './image-size';
import { toImageSource, type ImageInput } from './input';
import {
  decodeWithLibvips,
  isLibvipsTimeout,
  readLibvipsHeader,
  renderSharp,
  shrinkFactor,
} from './libvips';
import { completeLimits, type DecodeLimits } from './limits';
import { loadImageRs, loadSharp } from './native-decoders';
import { readEncoded, type EncodedFile } from './read';

/** Pixels of a file. */
export interface DecodedPixels extends Pixels {
  /** The size of the image in the file, if it was shrunk while it was decoded. */
  readonly shrunkFrom?: ImageSize;
}

/** Options of `decode`. */
export interface DecodeOptions {
  /**
   * Rotates and mirrors the image according to its EXIF orientation, like Pillow's `ImageOps.exif_transpose`.
   * `false` by default, as in torchvision. The orientation of TIFF images is always applied, as in Pillow.
   */
  readonly orient?: boolean;
  /** Limits on the size of the image and the time to decode it. */
  readonly limits?: DecodeLimits;
  /**
   * Allows a JPEG to be shrunk by 2, 4 or 8 while it is decoded, as long as its shorter side keeps this many pixels.
   * By default no image is shrunk.
   */
  readonly minSide?: number;
  /**
   * Called before the image is decoded, with the size of its samples in bytes. It is decoded when the promise
   * resolves. Not called for an image that is already pixels, or a sharp instance. @internal
   */
  readonly reserve?: (bytes: number) => Promise<void>;
  readonly signal?: AbortSignal;
}

/**
 * Decodes an image off the JS thread. The RGB pixels of a file match Pillow's
 * `Image.open(file).convert('RGB')`: color profiles are ignored, transparency is dropped, 16-bit samples
 * are truncated to their high byte (in grayscale images clipped to 255), and only the first frame or page
 * is decoded. CMYK is left for `batch` to convert. docs/image-formats.md lists the formats, and how far
 * some of them differ from Pillow.
 *
 * If `image` is already pixels, they are checked and returned without a copy.
 *
 * @returns interleaved samples, top row first
 * @throws ImageError if the file is missing, corrupt, truncated or of an unsupported format, or if it exceeds
 *   a limit
 * @throws DecoderError if the package that decodes its format cannot be loaded
 * @throws OptionError if `image` or an option is invalid
 */
export async function decode(
  image: ImageInput,
  options: DecodeOptions = {},
): Promise<DecodedPixels> {
  const read = await readImage(image, options);
  return 'bytes' in read ? await decodeFile(read, options) : read;
}

/** Like `decode`, but returns complete JPEG files undecoded, unless `orient` is set. */
export async function decodeUnlessJpeg(
  image: ImageInput,
  options: DecodeOptions = {},
): Promise<DecodedPixels | EncodedFile> {
  const read = await readImage(image, options);
  if (!('bytes' in read)) return read;
  const staysEncoded = options.orient !== true && isCompleteJpeg(read.bytes);
  return staysEncoded ? read : await decodeFile(read, options);
}

/** Like `decode`, for a file in memory. */
export async function decodeFile(
  file: EncodedFile,
  options: DecodeOptions = {},
): Promise<DecodedPixels> {
  const { orient = false, minSide, reserve, signal } = options;
  const limits = completeLimits(options.limits);
  if (isDetached(file.bytes.buffer)) throw detachedError(file.name);
  const format = detectFormat(file);
  const usesLibvips = format !== 'avif' && format !== 'bmp' && format !== 'netpbm';
  // Outside the time limit, which is for the image, not for loading the decoder.
  if (usesLibvips) loadSharp();
  else loadImageRs();
  const run = async <T>(work: () => Promise<T>) => {
    const workUnlessAborted = async () => {
      signal?.throwIfAborted();
      return await work();
    };
    return await runDecoder(workUnlessAborted, limits.milliseconds, signal);
  };
  // Not while a decoder runs: those that release memory would wait for it.
  const admit = async (size: ImageSize, shrink = 1) => {
    checkImageSize(file.name, size, limits.pixels);
    const samples = size.width * size.height * (size.channels ?? 3);
    await reserve?.(Math.ceil(samples / shrink ** 2));
  };
  try {
    if (usesLibvips) {
      const header = await run(() => readLibvipsHeader(file, format));
      const shrink = shrinkFactor(format, header, orient, minSide);
      // Grayscale is expanded to RGB, and alpha is removed.
      await admit({ ...header, channels: header.space === 'cmyk' ? 4 : 3 }, shrink);
      const pixels = await run(() =>
        decodeWithLibvips(file, format, header, orient, limits, shrink),
      );
      if (shrink === 1) return pixels;
      return { ...pixels, shrunkFrom: { width: header.width, height: header.height } };
    }
    const header = readImageRsHeader(file, format);
    // It may have an alpha channel.
    await admit({ ...header, channels: 4 });
    return await run(() => decodeWithImageRs(file, format, header, orient));
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof ImageError || cause instanceof DecoderError) throw cause;
    throw cause instanceof DecodeTimeout || isLibvipsTimeout(cause)
      ? timeoutError(file.name, 'decoded', limits.milliseconds)
      : decodeError(file, format, cause);
  }
}

async function readImage(image: ImageInput, options: DecodeOptions): Promise<Pixels | EncodedFile> {
  checkOptionNames(options, ['orient', 'limits', 'minSide', 'reserve', 'signal'], 'decode');
  const { orient = false, signal } = options;
  if (typeof orient !== 'boolean') throw invalidValue('orient', 'true or false', orient);
  const { bytes, milliseconds } = completeLimits(options.limits);
  signal?.throwIfAborted();
  const source = toImageSource(image);
  if ('pixels' in source) return source.pixels;
  if (!('sharp' in source)) return await readEncoded(source, bytes, signal);
  const { sharp } = source;
  try {
    return await runDecoder(async () => await renderSharp(sharp), milliseconds, signal);
  } catch (cause) {
    signal?.throwIfAborted();
    const name = 'The sharp instance';
    if (cause instanceof SemisupError) throw cause;
    if (cause instanceof DecodeTimeout) throw timeoutError(name, 'processed', milliseconds);
    throw new ImageError('ERR_SEMISUP_IMAGE_DECODE', {
      what: `${name} could not be processed: ${firstLine(cause)}.`,
      remedy: 'Check its input and operations.',
      value: sharp,
      cause,
    });
  }
}

/** Whether a file starts with an SOI marker, and contains an EOI marker in its last KiB. */
function isCompleteJpeg(bytes: Buffer): boolean {
  const [start, end] = [Buffer.of(0xff, 0xd8, 0xff), Buffer.of(0xff, 0xd9)];
  return start.equals(bytes.subarray(0, 3)) && bytes.subarray(-1024).includes(end);
}

function detachedError(name: string): ImageError {
  return new ImageError('ERR_SEMISUP_IMAGE_DECODE', {
    what: `${name} could not be decoded: it was transferred while its call was pending.`,
    remedy: 'Transfer it after the call, or pass a copy.',
    value: name,
  });
}

function timeoutError(
  name: string,
  action: 'decoded' | 'processed',
  milliseconds: number,
): ImageError {
  return new ImageError('ERR_SEMISUP_IMAGE_TIMEOUT', {
    what: `${name} was not ${action} within the limit of ${milliseconds} ms.`,
    remedy: 'Resize it first, or raise limits.milliseconds.',
    value: name,
  });
}

function decodeError({ name }: EncodedFile, format: ImageFormat, cause: unknown): ImageError {
  return new ImageError('ERR_SEMISUP_IMAGE_DECODE', {
    what: `${name} appears to be ${describeFormat(format)}, but could not be decoded: ${firstLine(cause)}.`,
    remedy: 'It may be corrupt or truncated. Download or save it again.',
    value: name,
    cause,
  });
}

function firstLine(cause: unknown): string {
  const [line = ''] = errorReason(cause).split('\n');
  return abbreviate(line);
}
