import type { BatchTransform, Pixels } from '../types';
import type { Executor } from './executor';
import { Tensor } from './tensor';

/**
 * Resizes, crops and normalizes images into one tensor, on the executor's threads. The samples are
 * read while the promise is pending: do not write to them or transfer them until it settles.
 *
 * @returns float32 [n * views, 3, crop, crop]
 * @throws DisposedError after the executor is closed
 */
export async function batchImages(
  { native, handle }: Executor,
  images: readonly Pixels[],
  transform: BatchTransform,
): Promise<Tensor> {
  return new Tensor(native, await native.batchImages(handle, images, transform));
}
