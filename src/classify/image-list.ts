import { isAnyArrayBuffer, isArrayBufferView } from 'node:util/types';
import type { ImageInput } from '../image';
import { guardGetters, invalidArgument } from '../options';

/** The array itself, and the promise of each image, are in memory. */
const maxImages = 1_000_000;

/** Whether the argument of a call is an array of images rather than a single one. */
export function isArray(
  images: ImageInput | readonly ImageInput[],
): images is readonly ImageInput[] {
  return Array.isArray(images);
}

/** The size in bytes of the pixels and encoded images in memory; files and streams have none yet. */
export function sizeOfImages(images: ImageInput | readonly ImageInput[]): number {
  try {
    if (!isArray(images)) return sizeOfImage(images);
    return images.reduce((sum, image) => sum + sizeOfImage(image), 0);
  } catch {
    // A getter threw: the call itself reports it.
    return 0;
  }
}

function sizeOfImage(image: ImageInput): number {
  if (isArrayBufferView(image) || isAnyArrayBuffer(image)) return image.byteLength;
  if (image instanceof Blob) return image.size;
  const isPixels = typeof image === 'object' && image !== null && 'data' in image;
  return isPixels && isArrayBufferView(image.data) ? image.data.byteLength : 0;
}

/** Copies an array of images, with holes as undefined. @throws OptionError if it is too long or cannot be read */
export function copyImages(images: readonly ImageInput[]): ImageInput[] {
  return guardGetters('the array of images', images, () => {
    if (images.length > maxImages) {
      throw invalidArgument('the images of a call', `at most ${maxImages} images`, images);
    }
    return Array.from(images);
  });
}
