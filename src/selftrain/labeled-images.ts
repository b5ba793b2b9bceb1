import type { Dataset } from '../dataset';
import type { DecodeLimits } from '../image';
import {
  checkLabels,
  classNamesOf,
  hashImages,
  readPhotos,
  type Counts,
  type Photo,
} from '../learning';
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
    checkLabels(validation.name, judged.photos, classes);
    return {
      ...{ classes, training: dataset, validation },
      fingerprints: {
        training: hashImages(photos),
        validation: hashImages(judged.photos),
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
    fingerprints: { training: hashImages(training), validation: hashImages(judged) },
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
