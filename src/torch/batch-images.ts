import type { Pixels, Transform } from '../types';
import type { Executor } from './executor';
import type { GpuHandle } from './native';
import { Tensor } from './tensor';

/**
 * Resizes, crops and normalizes images into one tensor, on the executor's threads. The samples are
 * read while the promise is pending: do not write to them or transfer them until it settles.
 *
 * @param gpu a GPU that normalizes the images itself
 * @returns float32 [n, 3, crop, crop]; for a GPU uint8 [n, crop, crop, 3], not normalized, in pinned
 *   memory
 * @throws DisposedError after the executor is closed
 */
export async function batchImages(
  executor: Executor,
  images: readonly Pixels[],
  transform: Transform,
  gpu?: GpuHandle,
): Promise<Tensor> {
  const { native, handle } = executor;
  const batch = gpu
    ? await native.batchImagesForGpu(handle, images, transform, gpu)
    : await native.batchImages(handle, images, transform);
  return new Tensor(native, batch);
}
