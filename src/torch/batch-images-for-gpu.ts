import { Tensor } from '../native';
import type { BatchTransform, Pixels } from '../types';
import type { TorchExecutor } from './executor';
import type { GpuHandle } from './native';

/**
 * Like `batchImages`, for a GPU that normalizes the images itself.
 *
 * @returns uint8 [n * views, crop, crop, 3], not normalized, in pinned memory
 * @throws DisposedError after the executor is closed
 */
export async function batchImagesForGpu(
  { native, handle }: TorchExecutor,
  images: readonly Pixels[],
  transform: BatchTransform,
  gpu: GpuHandle,
): Promise<Tensor> {
  return new Tensor(native, await native.batchImagesForGpu(handle, images, transform, gpu));
}
