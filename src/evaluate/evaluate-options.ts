import { completeTemperature, type ViewOptions } from '../classify';
import { completeViews } from '../image';
import { checkOptionNames, checkPath, checkSignal, invalidValue } from '../options';
import type { TargetOptions } from './targets';

/** How far an evaluation has come. */
export interface EvaluationProgress {
  /** The images that have results, including those of earlier runs and those that could not be read. */
  readonly done: number;
  /** The number of images, if the dataset knows it. */
  readonly total: number | undefined;
  /** Images per second of this run. */
  readonly rate: number;
  /** The share of right answers so far of each model, 0 to 1. */
  readonly top1: readonly number[];
}

/** Options of `evaluate`. */
export interface EvaluateOptions extends TargetOptions, ViewOptions {
  /**
   * Divides the logits before softmax; 1 by default. It changes the NLL and the calibration, but no accuracy (Guo et al.,
   * "On Calibration of Modern Neural Networks", 2017). Choose it on other images than those of the evaluation.
   */
  readonly temperature?: number;
  /**
   * A file for the results of each image. If it exists, the evaluation goes on where an earlier one with the same models,
   * images and options ended.
   */
  readonly results?: string;
  /** Rotates and mirrors each image according to its EXIF orientation; `false` by default, as in torchvision. */
  readonly orient?: boolean;
  /** Called after each batch. */
  readonly onProgress?: (progress: EvaluationProgress) => void;
  /** When aborted, the promise is rejected with the signal's reason. Results in the file of results are kept. */
  readonly signal?: AbortSignal;
}

const optionNames = Object.keys({
  ...{ classMap: true, realLabels: true, validLabels: true },
  ...{ results: true, orient: true, views: true, temperature: true },
  ...{ onProgress: true, signal: true },
} satisfies Record<keyof EvaluateOptions, true>);

/** @throws OptionError if an option is unknown or has an invalid value */
export function checkEvaluateOptions(options: EvaluateOptions): void {
  checkOptionNames(options, optionNames, 'evaluate');
  const { classMap, realLabels, validLabels, results, orient, onProgress, signal } = options;
  for (const [name, path] of Object.entries({ classMap, realLabels, results })) {
    if (path !== undefined) checkPath(name, path);
  }
  const isIndices = Array.isArray(validLabels) && validLabels.length > 0;
  if (validLabels !== undefined && typeof validLabels !== 'string' && !isIndices) {
    throw invalidValue('validLabels', 'a path or an array of indices', validLabels);
  }
  if (orient !== undefined && typeof orient !== 'boolean') {
    throw invalidValue('orient', 'true or false', orient);
  }
  completeViews(options.views);
  completeTemperature(options.temperature);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidValue('onProgress', 'a function', onProgress);
  }
  checkSignal(signal);
}
