import { invalidValue } from '../options';
import { batchImages, type Executor, type Tensor } from '../native';
import { batchImagesForGpu, type GpuHandle, type TorchExecutor } from '../torch';
import type { BatchTransform, Pixels, Transform } from '../types';

/** The longest side that an image may be resized or cropped to, in pixels. */
const maxSide = 4096;

/**
 * Resizes, crops and normalizes decoded images into one tensor, on the executor's threads. The result is
 * bit-exact with torchvision on `image.convert('RGB')` with Pillow 13: `Resize(transform.resize,
 * transform.interpolation)` (antialiased, on 8-bit samples), `CenterCrop(transform.crop)`, `ToTensor()` and
 * `Normalize(transform.mean, transform.std)`; for other `views`, with `FiveCrop`, `TenCrop` or both orientations of
 * the center in place of `CenterCrop`. An image is resized once. Older versions of Pillow differ by one level in images that
 * are more than twice as high as wide.
 *
 * The samples are read while the promise is pending: do not write to them or transfer them until it
 * settles.
 *
 * @param gpu a GPU that normalizes the images itself
 * @returns float32 [n * views, 3, crop, crop], RGB, the views of an image one after another; for a GPU uint8
 *   [n * views, crop, crop, 3], not normalized, in pinned memory
 * @throws OptionError if a value of the transform is out of range
 * @throws DisposedError after the executor is closed
 */
export async function batch(
  executor: Executor,
  images: readonly Pixels[],
  transform: BatchTransform,
): Promise<Tensor<'float32'>>;
export async function batch(
  executor: Executor,
  images: readonly Pixels[],
  transform: BatchTransform,
  gpu: GpuHandle | undefined,
): Promise<Tensor>;
export async function batch(
  executor: Executor,
  images: readonly Pixels[],
  transform: BatchTransform,
  gpu?: GpuHandle,
): Promise<Tensor> {
  checkTransform(transform);
  if (!gpu) return await batchImages(executor, images, transform);
  // LibTorch has opened the GPU, and runs the models on it.
  return await batchImagesForGpu(executor as TorchExecutor, images, transform, gpu);
}

/** @throws OptionError if a value of the transform is out of range */
export function checkTransform(transform: Transform): void {
  const { resize, crop, interpolation, mean, std } = transform;
  checkSide('resize', resize, maxSide);
  checkSide('crop', crop, resize);
  if (interpolation !== undefined && !['bilinear', 'bicubic'].includes(interpolation)) {
    throw invalidValue('transform.interpolation', `'bilinear' or 'bicubic'`, interpolation);
  }
  if (!isTriple(mean)) throw invalidValue('transform.mean', 'three numbers', mean);
  if (!isTriple(std) || !std.every((deviation) => deviation > 0)) {
    throw invalidValue('transform.std', 'three positive numbers', std);
  }
}

function isTriple(value: unknown): value is number[] {
  return Array.isArray(value) && value.length === 3 && value.every(Number.isFinite);
}

function checkSide(name: string, side: number, max: number): void {
  if (!Number.isInteger(side) || side < 1 || side > max) {
    throw invalidValue(`transform.${name}`, `an integer from 1 to ${max}`, side);
  }
}
