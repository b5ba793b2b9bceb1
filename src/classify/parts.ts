import { batch, decodeFile, type EncodedFile, type GpuJpegs } from '../image';
import type { Executor, GpuHandle, Pixels, Tensor, Transform } from '../torch';

/** Images as a tensor, and their places in their batch. */
export interface Part {
  readonly input: Tensor;
  readonly places: readonly number[];
}

/** What images go through. */
export interface Way {
  readonly executor: Executor;
  readonly transform: Transform;
  /** Which normalises pixels itself. */
  readonly gpu: GpuHandle | undefined;
  /** Which decodes files, unless all go by the CPU. */
  readonly jpegs: GpuJpegs | undefined;
}

interface Placed<Image> {
  readonly image: Image;
  readonly place: number;
}

/**
 * Makes tensors of the images of a batch: of files that the GPU decodes, and of all others.
 *
 * @throws ImageError if a file can be decoded by neither
 */
export async function toParts(
  images: readonly (Pixels | EncodedFile)[],
  { executor, transform, gpu, jpegs }: Way,
): Promise<Part[]> {
  const parts: Part[] = [];
  const pixels: Placed<Pixels>[] = [];
  const files: Placed<EncodedFile>[] = [];
  for (const [place, image] of images.entries()) {
    if ('bytes' in image) files.push({ image, place });
    else pixels.push({ image, place });
  }
  try {
    let undecoded = files;
    if (jpegs && files.length > 0) {
      const decoded = await jpegs.batch(imagesOf(files), transform);
      const failed = new Set(decoded.failed);
      const places = placesOf(files.filter((_, i) => !failed.has(i)));
      if (decoded.images) parts.push({ input: decoded.images, places });
      undecoded = files.filter((_, i) => failed.has(i));
    }
    for (const { image, place } of undecoded) {
      pixels.push({ image: await decodeFile(image), place });
    }
    if (pixels.length > 0) {
      const input = await batch(executor, imagesOf(pixels), transform, gpu);
      parts.push({ input, places: placesOf(pixels) });
    }
    return parts;
  } catch (error) {
    for (const { input } of parts) input.dispose();
    throw error;
  }
}

function imagesOf<Image>(placed: readonly Placed<Image>[]): Image[] {
  return placed.map(({ image }) => image);
}

function placesOf(placed: readonly Placed<unknown>[]): number[] {
  return placed.map(({ place }) => place);
}
