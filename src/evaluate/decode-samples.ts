import type { Sample } from '../dataset';
import { decode } from '../image';
import { isImageFailure, type ImageFailure } from '../classify';
import type { Pixels } from '../types';

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
