import type { ImageInput } from '../image';

/** Whether the argument of a call is an array of images rather than a single one. */
export function isArray(
  images: ImageInput | readonly ImageInput[],
): images is readonly ImageInput[] {
  return Array.isArray(images);
}
