import { fileURLToPath } from 'node:url';
import { isUint8Array, isUint8ClampedArray } from 'node:util/types';
import { invalidValue } from '../options';
import type { Pixels } from '../types';

/** The `ImageData` of a canvas, RGBA. */
export interface ImageDataLike {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/**
 * An image: a path or file URL, a Buffer or Uint8Array of an encoded file, decoded pixels
 * `{ data, width, height, channels }`, or the `ImageData` of a canvas. Buffers and pixels are read in
 * place while a call is pending: do not write to them or transfer them until it settles.
 */
export type ImageInput = string | URL | Uint8Array | Pixels | ImageDataLike;

/** A checked `ImageInput`, by kind. */
export type ImageSource = { path: string } | { bytes: Uint8Array } | { pixels: Pixels };

/**
 * Determines the kind of an `ImageInput`, and checks decoded pixels. Nothing is read or copied.
 *
 * @throws OptionError if it is of no supported kind, or the pixels do not match their width and height
 */
export function toImageSource(image: ImageInput): ImageSource {
  if (isUint8Array(image)) return { bytes: image };
  if (image instanceof URL) return { path: toPath(image) };
  if (typeof image === 'string') {
    return { path: /^(file|https?|data):/i.test(image) ? toPath(image) : image };
  }
  if (typeof image === 'object' && image !== null && 'data' in image) {
    return { pixels: checkPixels(image) };
  }
  throw invalidValue(
    'an image',
    'a path, a file URL, a Buffer or Uint8Array of an encoded file, or { data, width, height, channels }',
    image,
  );
}

function toPath(url: string | URL): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw invalidValue('an image', 'a path or a file URL', String(url));
  }
}

// Copies the properties, so that they cannot change after they are checked.
function checkPixels(image: Pixels | ImageDataLike): Pixels {
  const { width, height } = image;
  const { data, channels, cmyk = false } = isImageData(image) ? fromImageData(image) : image;
  if (!isUint8Array(data)) {
    throw invalidValue("an image's data", 'a Buffer, Uint8Array or Uint8ClampedArray', data);
  }
  if ('resizable' in data.buffer && data.buffer.resizable) {
    throw invalidValue("an image's data", 'a non-resizable buffer', data.buffer);
  }
  checkSide("an image's width", width);
  checkSide("an image's height", height);
  if (![1, 2, 3, 4].includes(channels)) {
    throw invalidValue("an image's channels", '1, 2, 3 or 4', channels);
  }
  if (typeof cmyk !== 'boolean' || (cmyk && channels !== 4)) {
    throw invalidValue("an image's cmyk", 'a boolean, true only with 4 channels,', cmyk);
  }
  if (width * height * channels !== data.length) {
    throw invalidValue(
      "an image's data",
      `${width} x ${height} x ${channels} = ${width * height * channels} bytes`,
      data.length,
    );
  }
  return { data, width, height, channels, cmyk };
}

function isImageData(image: Pixels | ImageDataLike): image is ImageDataLike {
  return isUint8ClampedArray(image.data);
}

function fromImageData({ data, width, height }: ImageDataLike): Pixels {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
  return { data: bytes, width, height, channels: 4 };
}

function checkSide(name: string, side: number): void {
  if (!Number.isSafeInteger(side) || side < 1) {
    throw invalidValue(name, 'a positive integer', side);
  }
}
