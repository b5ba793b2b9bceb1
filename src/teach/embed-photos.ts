import { chunksOf } from '../async-iteration';
import { isImageFailure, withoutPosition, type Classifier } from '../classify';
import type { Dataset, Sample } from '../dataset';
import type { RowsFile } from '../embeddings';
import { ImageError } from '../errors';
import type { UnreadableImage } from '../evaluate';
import { decodeFile, type DecodeLimits } from '../image';
import { type Photo, ProgressMeter, readContent } from '../learning';
import type { Pixels } from '../types';
import type { TeachProgress } from './teach-options';

/** Decoded photos of a phone take 36 MB each. */
const chunkSize = 16;

/** The images that are decoded while others are computed. */
const decodedAhead = 8;

/** An image whose pixels wait to be embedded, or the error of it. */
interface DecodedPhoto {
  readonly name: string;
  readonly sha256: string;
  readonly pixels: Pixels | UnreadableImage;
}

/** What was computed. */
export interface EmbeddingRun {
  readonly computed: number;
  readonly unreadable: readonly UnreadableImage[];
  readonly seconds: number;
}

/**
 * Computes the embeddings that a cache lacks, each once for identical images.
 *
 * The last digits of an embedding depend on the batch that it was computed in. So the images are decoded before, and the
 * model runs on one chunk after another: the same chunks, if a run that was interrupted goes on.
 */
export async function embedPhotos(
  model: Classifier,
  dataset: Dataset,
  photos: readonly Photo[],
  rows: RowsFile,
  options: {
    readonly orient: boolean;
    readonly limits?: DecodeLimits;
    readonly onProgress?: (progress: TeachProgress) => void;
    readonly signal: AbortSignal;
  },
): Promise<EmbeddingRun> {
  const missing = missingPhotos(photos, rows);
  const meter = new ProgressMeter(missing.size, (counts) => {
    options.onProgress?.({ phase: 'embed', ...counts });
  });
  const unreadable: UnreadableImage[] = [];
  let computed = 0;
  const { signal } = options;
  for await (const chunk of chunksOf(decodePhotos(dataset, missing, options), chunkSize)) {
    signal.throwIfAborted();
    const readable = chunk.flatMap(({ sha256, pixels }) =>
      'data' in pixels ? [{ sha256, pixels }] : [],
    );
    const images = readable.map(({ pixels }) => pixels);
    const embeddings = await model.embed(images, { signal });
    const found = readable.map(({ sha256 }, i) => ({
      ...{ image: sha256, stamp: '', embedding: embeddings[i]! },
    }));
    await rows.append(found);
    computed += found.length;
    unreadable.push(...chunk.flatMap(({ pixels }) => ('data' in pixels ? [] : [pixels])));
    meter.add(chunk.length);
  }
  return { computed, unreadable, seconds: meter.seconds };
}

/** The first of identical images, by name. */
function missingPhotos(photos: readonly Photo[], rows: RowsFile): ReadonlyMap<string, Photo> {
  const contents = new Set<string>();
  const missing = new Map<string, Photo>();
  for (const photo of photos) {
    if (rows.has(photo.sha256, '') || contents.has(photo.sha256)) continue;
    contents.add(photo.sha256);
    missing.set(photo.name, photo);
  }
  return missing;
}

async function* decodePhotos(
  dataset: Dataset,
  photos: ReadonlyMap<string, Photo>,
  options: {
    readonly orient: boolean;
    readonly limits?: DecodeLimits;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<DecodedPhoto> {
  const pending: Promise<DecodedPhoto>[] = [];
  const skip = (name: string) => !photos.has(name);
  for await (const sample of dataset.samples({ skip, signal: options.signal })) {
    if (skip(sample.name)) continue;
    const decoding = decodePhoto(sample, photos.get(sample.name)!, options);
    // A failure is reported when its turn comes.
    decoding.catch(() => undefined);
    pending.push(decoding);
    if (pending.length > decodedAhead) yield await pending.shift()!;
  }
  for (const decoded of pending) yield await decoded;
}

async function decodePhoto(
  { name, image }: Sample,
  { sha256 }: Photo,
  { orient, limits, signal }: Parameters<typeof decodePhotos>[2],
): Promise<DecodedPhoto> {
  try {
    const content = await readContent(image, limits, signal);
    if (content.sha256 !== sha256) throw changed(name);
    const pixels =
      'bytes' in content.image
        ? await decodeFile(content.image, { orient, limits, signal })
        : content.image;
    return { name, sha256, pixels };
  } catch (error) {
    if (!isImageFailure(error)) throw error;
    return { name, sha256, pixels: { name, ...withoutPosition(error) } };
  }
}

function changed(name: string): ImageError {
  return new ImageError('ERR_SEMISUP_IMAGE_DECODE', {
    what: `The image ${name} was modified while it was used.`,
    remedy: 'Run the command again when it is complete.',
    value: name,
  });
}
