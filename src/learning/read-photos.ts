import { forEachConcurrently } from '../async-iteration';
import { isImageFailure, withoutPosition } from '../classify';
import { duplicate, type Dataset, type Sample } from '../dataset';
import type { UnreadableImage } from '../evaluate';
import type { DecodeLimits } from '../image';
import { ProgressMeter, type Counts } from './progress-meter';
import { readContent } from './image-content';

/** An image of a dataset with a label. */
export interface Photo {
  readonly name: string;
  readonly label: string;
  /** Of its content: the same for identical files. */
  readonly sha256: string;
}

/** The images of a dataset. */
export interface PhotoList {
  /** In the order of the dataset. */
  readonly photos: readonly Photo[];
  /** All labels, also those of images that cannot be read. */
  readonly labels: ReadonlySet<string>;
  readonly unreadable: readonly UnreadableImage[];
  /** The names of those without a label. */
  readonly unlabeled: readonly string[];
}

/** Images that are read at the same time. */
const concurrency = 8;

/** Reads all images once, to find identical ones and those whose embeddings are known. */
export async function readPhotos(
  dataset: Dataset,
  options: {
    readonly limits?: DecodeLimits;
    readonly onProgress?: (counts: Counts) => void;
    readonly signal?: AbortSignal;
  },
): Promise<PhotoList> {
  const { limits, signal } = options;
  const photos: (Photo | undefined)[] = [];
  const names = new Set<string>();
  const unreadable: UnreadableImage[] = [];
  const unlabeled: string[] = [];
  const labels = new Set<string>();
  const meter = new ProgressMeter(dataset.size, options.onProgress);
  const read = async ({ name, label, image }: Sample) => {
    if (names.has(name)) throw duplicate(dataset.name, name);
    names.add(name);
    if (label === undefined) {
      unlabeled.push(name);
      return;
    }
    labels.add(label);
    const position = photos.push(undefined) - 1;
    try {
      const { sha256 } = await readContent(image, limits, signal);
      photos[position] = { name, label, sha256 };
    } catch (error) {
      if (!isImageFailure(error)) throw error;
      unreadable.push({ name, ...withoutPosition(error) });
    }
    meter.add(1);
  };
  await forEachConcurrently(dataset.samples({ signal }), concurrency, read);
  signal?.throwIfAborted();
  const readable = photos.filter((photo) => photo !== undefined);
  return { photos: readable, labels, unreadable, unlabeled };
}

/** The different contents of the images of each label. */
export function contentsByLabel(photos: readonly Photo[]): Map<string, Set<string>> {
  const contents = new Map<string, Set<string>>();
  for (const { label, sha256 } of photos) {
    contents.set(label, (contents.get(label) ?? new Set()).add(sha256));
  }
  return contents;
}
