import { createHash } from 'node:crypto';
import type { Dataset } from '../dataset';
import type { DecodeLimits } from '../image';
import { classNamesOf, readPhotos, type Counts, type Photo } from '../learning';
import { splitImages } from '../train';

/** The images with true labels. */
export interface LabeledImages {
  /** The names of the classes, sorted. */
  readonly classes: readonly string[];
  readonly training: Dataset;
  /** The images to judge by; undefined if there are none. */
  readonly validation: Dataset | undefined;
  /** Identifies the images of both, with their labels: a SHA-256 in hex. */
  readonly fingerprint: string;
}

/**
 * Reads the labeled images once, and divides them into those to train on and those to judge by.
 *
 * @param validation the images to judge by, or the share of the labeled ones that is not trained on
 * @throws DatasetError if there are fewer than two classes, a class has fewer than two images, or identical images have
 *   different labels
 */
export async function readLabeledImages(
  dataset: Dataset,
  validation: Dataset | number,
  seed: number,
  options: {
    readonly limits?: DecodeLimits;
    readonly signal?: AbortSignal;
    readonly onProgress?: (counts: Counts) => void;
  },
): Promise<LabeledImages> {
  const { photos, labels, unreadable } = await readPhotos(dataset, options);
  const classes = classNamesOf(dataset, labels, photos, unreadable);
  if (typeof validation === 'object') {
    const judged = await readPhotos(validation, options);
    const fingerprint = fingerprintOf([...photos, ...judged.photos]);
    return { classes, training: dataset, validation, fingerprint };
  }
  const indices = new Map(classes.map((name, index) => [name, index]));
  const images = photos.map(({ sha256, label }) => ({ sha256, label: indices.get(label)! }));
  const parts = splitImages(images, validation, seed);
  const part = (positions: readonly number[]) =>
    subset(dataset, new Set(positions.map((position) => photos[position]!.name)));
  return {
    classes,
    training: part(parts.training),
    validation: parts.validation.length > 0 ? part(parts.validation) : undefined,
    fingerprint: fingerprintOf(photos),
  };
}

function subset(dataset: Dataset, names: ReadonlySet<string>): Dataset {
  return {
    ...{ name: dataset.name, size: names.size },
    async *samples(options) {
      const skip = (name: string) => !names.has(name) || options?.skip?.(name) === true;
      for await (const sample of dataset.samples({ ...options, skip })) {
        // A dataset need not call `skip`.
        if (names.has(sample.name)) yield sample;
      }
    },
  };
}

function fingerprintOf(photos: readonly Photo[]): string {
  const hash = createHash('sha256');
  for (const { sha256, label } of photos) hash.update(`${sha256} ${label}\n`);
  return hash.digest('hex');
}
