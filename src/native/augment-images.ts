import type { Pixels, Transform } from '../types';
import type { Executor } from './executor';
import type { Operations } from './operations';
import { Tensor } from './tensor';

/** The input of a network that is trained. */
export interface AugmentTransform extends Pick<Transform, 'interpolation' | 'mean' | 'std'> {
  /** The side of the square input, in pixels; 1 to 4096. */
  readonly size: number;
}

/**
 * Augments images into one tensor, on the executor's threads. Each image is bit-exact with the functions of
 * torchvision on `image.convert('RGB')` with Pillow 13, followed by `ToTensor()` and `Normalize(mean, std)`. The
 * samples are read while the promise is pending: do not write to them or transfer them until it settles.
 *
 * @param operations those of each image
 * @returns float32 [n, 3, size, size], RGB
 * @throws OptionError if an operation or the size is invalid, or if there is not one list of operations per image
 * @throws DisposedError after the executor is closed
 */
export async function augmentImages(
  { native, handle }: Executor,
  images: readonly Pixels[],
  operations: readonly Operations[],
  { size, ...rest }: AugmentTransform,
): Promise<Tensor<'float32'>> {
  const transform = { ...rest, resize: size, crop: size };
  return new Tensor<'float32'>(
    native,
    await native.augmentImages(handle, images, operations, transform),
  );
}
