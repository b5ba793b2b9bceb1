import type { AugmentPolicy } from '../augment';
import { hashImages } from '../learning';
import type { LeftOut } from '../evaluate';
import type { FinetuneOptions, TrainingSettings } from './finetune-options';
import { minSideOf } from './min-side';
import { splitImages } from './split';
import { sourceOf, type TrainingSource } from './training-source';
import { TrainingSet } from './training-set';

/** Some of the images of a set. */
export interface Subset {
  readonly set: TrainingSet;
  /** In ascending order. */
  readonly indices: readonly number[];
}

/** The images of a run. */
export interface TrainingData extends Pick<LeftOut, 'unreadable' | 'unlabeled'> {
  readonly classNames: readonly string[];
  readonly training: Subset;
  /** Without indices if there is no validation. */
  readonly validation: Subset;
}

const defaultShare = 0.1;
export const defaultCacheBytes = 512 * 2 ** 20;

/**
 * Reads the images to train on, and those to judge by.
 *
 * @param policy how the images to train on are changed
 * @param classes the names of the classes, if they are not the labels that occur
 * @throws DatasetError if they cannot be learned from
 */
export async function openTrainingData(
  source: TrainingSource,
  { seed, orient, epochs, shrinkOnLoad }: TrainingSettings,
  policy: AugmentPolicy,
  options: FinetuneOptions,
  classes?: readonly string[],
): Promise<TrainingData> {
  const { validation = defaultShare, limits, signal, onProgress } = options;
  const read = async (
    one: TrainingSource,
    cacheBytes: number,
    minSide: number | undefined,
    classNames?: readonly string[],
  ) =>
    await TrainingSet.read(
      one,
      { orient, limits, cacheBytes, minSide, signal },
      (done, total, rate) => {
        onProgress?.({ phase: 'read', epoch: 0, epochs, done, total, rate });
      },
      classNames,
    );
  const minSide = shrinkOnLoad ? minSideOf(policy) : undefined;
  const set = await read(source, options.cacheBytes ?? defaultCacheBytes, minSide, classes);
  const { classNames } = set;
  if (typeof validation === 'number') {
    const parts = splitImages(set.images, validation, seed);
    return {
      ...{ classNames, unreadable: set.unreadable, unlabeled: set.unlabeled },
      training: { set, indices: parts.training },
      validation: { set, indices: parts.validation },
    };
  }
  const judged = await read(sourceOf(validation), set.freeCacheBytes, undefined, classNames);
  return {
    classNames,
    unreadable: [...set.unreadable, ...judged.unreadable],
    unlabeled: [...set.unlabeled, ...judged.unlabeled],
    training: { set, indices: [...set.images.keys()] },
    validation: { set: judged, indices: [...judged.images.keys()] },
  };
}

/** Identifies the images of a subset, with their classes, in their order. */
export function fingerprintOf({ set, indices }: Subset): string {
  return hashImages(indices.map((index) => set.images[index]!));
}
