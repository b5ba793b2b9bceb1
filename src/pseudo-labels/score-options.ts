import { completeTemperature } from '../classify';
import { checkOptionNames, checkPath, checkSignal, invalidValue } from '../options';

/** How far a pool is scored. */
export interface ScorePoolProgress {
  /** The images that are done, with those of earlier runs and those that could not be read. */
  readonly done: number;
  /** The number of images, if the datasets know it. */
  readonly total: number | undefined;
  /** The images of them that could not be read. */
  readonly unreadable: number;
  /** Images per second of this run. */
  readonly rate: number;
}

/** Options of `scorePool`. */
export interface ScorePoolOptions {
  /** The directory of the score files. If it has some of the same run, those that are missing are computed. */
  readonly out: string;
  /**
   * The number of the most probable classes that are kept for each image; P in the paper. 10 by default, as there, or
   * all if the model has fewer; at most 100. `selectImages` can use fewer.
   */
  readonly classesPerImage?: number;
  /** Divides the logits before softmax; 1 by default. See `ClassifyOptions.temperature`. */
  readonly temperature?: number;
  /** Rotates and mirrors each image according to its EXIF orientation; `false` by default, as in torchvision. */
  readonly orient?: boolean;
  /** The number of images of a file, 10,000 by default: what a run that was killed computes again. At most 100,000. */
  readonly imagesPerShard?: number;
  /** Called after each batch. */
  readonly onProgress?: (progress: ScorePoolProgress) => void;
  /** When aborted, the promise is rejected with the signal's reason. Files that were written are kept. */
  readonly signal?: AbortSignal;
}

/** `ScorePoolOptions` with their defaults. */
export type ScoreSettings = Required<
  Pick<ScorePoolOptions, 'classesPerImage' | 'temperature' | 'orient' | 'imagesPerShard'>
>;

/** A row of a file has two columns for each class; the footer describes all of them for every row group. */
const maxClassesPerImage = 100;
const maxImagesPerShard = 100_000;

const optionNames = Object.keys({
  ...{ out: true, classesPerImage: true, temperature: true, orient: true, imagesPerShard: true },
  ...{ onProgress: true, signal: true },
} satisfies Record<keyof ScorePoolOptions, true>);

/**
 * @param numClasses the number of classes of the model
 * @throws OptionError if an option is unknown or has an invalid value
 */
export function completeScorePoolOptions(
  options: ScorePoolOptions,
  numClasses: number,
): ScoreSettings {
  checkOptionNames(options, optionNames, 'scorePool');
  const { out, onProgress, signal, orient = false, imagesPerShard = 10_000 } = options ?? {};
  const { classesPerImage = Math.min(10, numClasses) } = options ?? {};
  checkPath('out', out);
  const maxClasses = Math.min(maxClassesPerImage, numClasses);
  checkInteger('classesPerImage', classesPerImage, maxClasses);
  checkInteger('imagesPerShard', imagesPerShard, maxImagesPerShard);
  if (typeof orient !== 'boolean') throw invalidValue('orient', 'true or false', orient);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidValue('onProgress', 'a function', onProgress);
  }
  checkSignal(signal);
  const temperature = completeTemperature(options.temperature);
  return { classesPerImage, temperature, orient, imagesPerShard };
}

function checkInteger(name: string, value: unknown, max: number): void {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max) return;
  throw invalidValue(name, `an integer from 1 to ${max}`, value);
}
