import {
  checkOptionNames,
  checkPath,
  checkSignal,
  invalidArgument,
  invalidValue,
} from '../options';

/** How far a selection has come. */
export interface SelectProgress {
  /** The images whose scores were read. */
  readonly done: number;
  /** The images that have scores. */
  readonly total: number;
  /** Images per second. */
  readonly rate: number;
}

/** Options of `selectImages`. */
export interface SelectOptions {
  /** The number of images that are selected for each class, those with the highest scores; K in the paper. */
  readonly imagesPerClass: number;
  /**
   * The number of the best classes of an image that it may be selected for; P in the paper. By default, all that
   * `scorePool` kept; at most those.
   */
  readonly classesPerImage?: number;
  /**
   * Whether each class is given its own `imagesPerClass` images, the default. If `false`, the pairs of image and
   * class with the highest scores of all are selected, as many as there are classes times `imagesPerClass`: frequent
   * classes then have more images, and rare ones few or none.
   */
  readonly balanced?: boolean;
  /** A directory, in which `selection.parquet` and `images.parquet` are written, or replaced. */
  readonly out?: string;
  /** Called after each part of a file of scores. */
  readonly onProgress?: (progress: SelectProgress) => void;
  /** When aborted, the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What is selected. */
export interface SelectionRule {
  readonly imagesPerClass: number;
  readonly classesPerImage: number;
  readonly balanced: boolean;
}

const optionNames = Object.keys({
  ...{ imagesPerClass: true, classesPerImage: true, balanced: true, out: true },
  ...{ onProgress: true, signal: true },
} satisfies Record<keyof SelectOptions, true>);

/** @throws OptionError if an option is unknown or has an invalid value */
export function checkSelectOptions(options: SelectOptions): void {
  checkOptionNames(options, optionNames, 'selectImages');
  const { imagesPerClass, balanced, out, onProgress, signal } = options ?? {};
  if (!Number.isInteger(imagesPerClass) || imagesPerClass < 1) {
    throw invalidArgument('imagesPerClass', 'an integer of at least 1', imagesPerClass);
  }
  if (balanced !== undefined && typeof balanced !== 'boolean') {
    throw invalidValue('balanced', 'true or false', balanced);
  }
  if (out !== undefined) checkPath('out', out);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidValue('onProgress', 'a function', onProgress);
  }
  checkSignal(signal);
}

/** @throws OptionError unless `classesPerImage` is at most the number of classes that were kept */
export function completeRule(
  { imagesPerClass, classesPerImage, balanced = true }: SelectOptions,
  kept: number,
): SelectionRule {
  const count = classesPerImage ?? kept;
  if (!Number.isInteger(count) || count < 1 || count > kept) {
    throw invalidValue('classesPerImage', `an integer from 1 to ${kept}`, count);
  }
  return { imagesPerClass, classesPerImage: count, balanced };
}
