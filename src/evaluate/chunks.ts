import type { Sample } from '../dataset';
import { decode } from '../image';
import { isImageFailure, type ImageFailure } from '../classify';
import type { Pixels } from '../types';

/** Splits samples into arrays of at most `size`. */
export async function* chunksOf<T>(samples: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let chunk: T[] = [];
  for await (const sample of samples) {
    chunk.push(sample);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** A sample whose image is decoded, or the error of its image. */
export interface DecodedSample extends Omit<Sample, 'image'> {
  readonly image: Pixels | ImageFailure;
}

/** The images that are decoded at the same time, and wait for earlier ones. */
const decodedAhead = 8;

/** Decodes the images of samples, several at a time, and returns them in their order. */
export async function* decodeSamples(
  samples: AsyncIterable<Sample>,
  options: { readonly orient?: boolean; readonly signal?: AbortSignal },
): AsyncGenerator<DecodedSample> {
  const pending: Promise<DecodedSample>[] = [];
  for await (const sample of samples) {
    const decoding = decodeSample(sample, options);
    // A failure is reported when its turn comes.
    decoding.catch(() => undefined);
    pending.push(decoding);
    if (pending.length > decodedAhead) yield await pending.shift()!;
  }
  for (const decoded of pending) yield await decoded;
}

async function decodeSample(
  { image, ...sample }: Sample,
  options: { readonly orient?: boolean; readonly signal?: AbortSignal },
): Promise<DecodedSample> {
  try {
    return { ...sample, image: await decode(image, options) };
  } catch (error) {
    if (isImageFailure(error)) return { ...sample, image: error };
    throw error;
  }
}

/** Runs `work` on each item, `count` at a time; the next item is requested meanwhile. Ends with the first error. */
export async function forEachConcurrently<T>(
  items: AsyncIterable<T>,
  count: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  for await (const item of items) {
    const task = work(item)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => running.delete(task));
    running.add(task);
    while (running.size >= count && !failure) await Promise.race(running);
    if (failure) break;
  }
  await Promise.all(running);
  if (failure) throw failure.error;
}
