import { batch, decodeFile, type DecodeLimits, type EncodedFile } from '../image';
import type { Executor, Tensor } from '../native';
import type { GpuHandle, GpuJpegDecoder } from '../torch';
import type { BatchTransform, Pixels } from '../types';

/** Images of a batch that were preprocessed together. */
export interface SubBatch {
  /** One row per view, those of an image one after another. */
  readonly input: Tensor;
  /** The position of each image in the batch. */
  readonly indices: readonly number[];
}

/** The resources for preprocessing the images of a model. */
export interface PreprocessContext {
  readonly executor: Executor;
  readonly transform: BatchTransform;
  /** A GPU that normalizes the images itself. */
  readonly gpu: GpuHandle | undefined;
  /** Decodes files on the GPU; undefined if the CPU decodes all of them. */
  readonly jpegDecoder: GpuJpegDecoder | undefined;
  /** Limits on the size of an image and the time to decode it. */
  readonly limits: DecodeLimits | undefined;
  /** See `DecodeOptions.minSide`. */
  readonly minSide: number | undefined;
}

interface IndexedImage<Image> {
  readonly image: Image;
  readonly index: number;
}

/**
 * Preprocesses a batch into a sub-batch of the files that the GPU decodes and a sub-batch of all others.
 *
 * @throws ImageError if neither the GPU nor the CPU can decode a file
 */
export async function preprocess(
  images: readonly (Pixels | EncodedFile)[],
  { executor, transform, gpu, jpegDecoder, limits, minSide }: PreprocessContext,
): Promise<SubBatch[]> {
  const subBatches: SubBatch[] = [];
  const pixels: IndexedImage<Pixels>[] = [];
  const files: IndexedImage<EncodedFile>[] = [];
  for (const [index, image] of images.entries()) {
    if ('bytes' in image) files.push({ image, index });
    else pixels.push({ image, index });
  }
  try {
    let remaining = files;
    if (jpegDecoder && files.length > 0) {
      const bytes = files.map(({ image }) => image.bytes);
      const decoded = await jpegDecoder.decode(bytes, transform);
      const failed = new Set(decoded.failed);
      const indices = indicesOf(files.filter((_, i) => !failed.has(i)));
      if (decoded.images) subBatches.push({ input: decoded.images, indices });
      remaining = files.filter((_, i) => failed.has(i));
    }
    for (const { image, index } of remaining) {
      pixels.push({ image: await decodeFile(image, { limits, minSide }), index });
    }
    if (pixels.length > 0) {
      const decoded = pixels.map(({ image }) => image);
      const input = await batch(executor, decoded, transform, gpu);
      subBatches.push({ input, indices: indicesOf(pixels) });
    }
    return subBatches;
  } catch (error) {
    for (const { input } of subBatches) input.dispose();
    throw error;
  }
}

function indicesOf(images: readonly IndexedImage<unknown>[]): number[] {
  return images.map(({ index }) => index);
}
