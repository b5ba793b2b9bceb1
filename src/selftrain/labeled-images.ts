import { createHash } from 'node:crypto';
import type { Dataset } from '../dataset';
import { DatasetError } from '../errors';
import type { DecodeLimits } from '../image';
import { classNamesOf, readPhotos, type Counts, type Photo } from '../learning';
import { abbreviate } from '../options';
import { splitImages } from '../train';

/** The images with true labels. */
export interface LabeledImages {
  /** The names of the classes, sorted. */
  readonly classes: readonly string[];
  readonly training: Dataset;
  /** The images to judge by; undefined if there are none. */
  readonly validation: Dataset | undefined;
  /** Identify the images of both, with their labels: a SHA-256 in hex each. */
  readonly fingerprints: { readonly training: string; readonly validation: string };
}

/**
 * Reads the labeled images once, and divides them into those to train on and those to judge by.
 *
 * @param validation the images to judge by, or the share of the labeled ones that is not trained on
 * @throws DatasetError if there are fewer than two classes, a class has fewer than two images, identical images have
 *   different labels, or images to judge by have another class
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
    checkLabels(judged.photos, classes);
    return {
      ...{ classes, training: dataset, validation },
      fingerprints: {
        training: fingerprintOf(photos),
        validation: fingerprintOf(judged.photos),
      },
    };
  }
  const indices = new Map(classes.map((name, index) => [name, index]));
  const images = photos.map(({ sha256, label }) => ({ sha256, label: indices.get(label)! }));
  const parts = splitImages(images, validation, seed);
  const [training, judged] = [parts.training, parts.validation].map((positions) =>
    positions.map((position) => photos[position]!),
  ) as [Photo[], Photo[]];
  return {
    classes,
    training: subset(dataset, training),
    validation: judged.length > 0 ? subset(dataset, judged) : undefined,
    fingerprints: { training: fingerprintOf(training), validation: fingerprintOf(judged) },
  };
}

function subset(dataset: Dataset, photos: readonly Photo[]): Dataset {
  const names = new Set(photos.map(({ name }) => name));
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

function checkLabels(photos: readonly Photo[], classes: readonly string[]): void {
  const known = new Set(classes);
  const stranger = photos.find(({ label }) => !known.has(label));
  if (!stranger) return;
  throw new DatasetError('ERR_SEMISUP_DATASET_LABEL', {
    what: `The label '${abbreviate(stranger.label)}' of ${abbreviate(stranger.name)} is no class of the labeled images.`,
    remedy: 'Correct the label, or add labeled images of the class.',
    value: stranger.label,
  });
}

/** Identifies images with their labels: a SHA-256 in hex. */
export function fingerprintOf(photos: readonly Photo[]): string {
  const hash = createHash('sha256');
  for (const { sha256, label } of photos) hash.update(`${sha256} ${label}\n`);
  return hash.digest('hex');
}
