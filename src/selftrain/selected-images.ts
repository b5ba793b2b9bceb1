import { DatasetError } from '../errors';
import { abbreviate } from '../options';
import type { Pool, PseudoLabeledImage } from '../pseudo-labels';
import type { LabeledSample, TrainingSource } from '../train';

/**
 * The images of a pool that were selected, with the names of the classes they were selected for. When they have been
 * read, it throws a DatasetError if the pool lacks one.
 */
export function selectedImages(
  pool: Pool,
  images: Iterable<PseudoLabeledImage>,
  classes: readonly string[],
): TrainingSource {
  const labels = new Map<string, readonly string[]>();
  for (const one of images) {
    labels.set(
      one.image,
      one.classes.map((index) => classes[index]!),
    );
  }
  const name = pool.names.join(', ');
  return {
    ...{ name, size: labels.size },
    async *samples(options): AsyncGenerator<LabeledSample> {
      const missing = new Set(labels.keys());
      const skip = (image: string) => {
        const isSkipped = options?.skip?.(image) === true;
        if (isSkipped) missing.delete(image);
        return isSkipped || !labels.has(image);
      };
      for await (const sample of pool.samples({ ...options, skip })) {
        const own = labels.get(sample.name);
        // A dataset need not call `skip`.
        if (own === undefined) continue;
        missing.delete(sample.name);
        yield { name: sample.name, image: sample.image, labels: own };
      }
      const [first] = missing;
      if (first !== undefined) throw missingImages(name, first, missing.size);
    },
  };
}

function missingImages(pool: string, first: string, count: number): DatasetError {
  const others = count > 1 ? ` and ${count - 1} more` : '';
  return new DatasetError('ERR_SEMISUP_DATASET_NOT_FOUND', {
    what: `Images that were selected are missing in the pool ${pool}: ${abbreviate(first)}${others}.`,
    remedy: 'Pass the pool that was scored, or score this one.',
    value: first,
  });
}
