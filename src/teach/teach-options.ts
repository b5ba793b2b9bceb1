import type { ModelOptions } from '../classify';
import { checkModelOptions } from '../classify';
import type { HubOptions, HubProgress } from '../hub';
import {
  checkOptionNames,
  checkPath,
  checkSignal,
  invalidArgument,
  invalidValue,
} from '../options';

/** How far `teach` has come. */
export interface TeachProgress {
  /**
   * `read`: the images are read and compared; `embed`: their embeddings are computed; `solve`: the new last layer is
   * fitted, `done` being the number of fits.
   */
  readonly phase: 'read' | 'embed' | 'solve';
  readonly done: number;
  /** If it is known. */
  readonly total: number | undefined;
  /** Images per second of this phase; of `solve` fits per second. */
  readonly rate: number;
}

/** Options of `teach`. */
export interface TeachOptions
  extends
    Pick<
      ModelOptions,
      'device' | 'precision' | 'tolerance' | 'plan' | 'threads' | 'size' | 'crop' | 'limits'
    >,
    Pick<HubOptions, 'hubDir' | 'forceReload' | 'offline'> {
  /**
   * The model whose last layer is replaced: a name of the hub, or the path of a TorchScript file of one of its
   * architectures, such as `hub.exportTorchScript` and `teach` write.
   */
  readonly model: string;
  /** The TorchScript file that is written. */
  readonly out: string;
  /** A checkpoint of your own in place of that of a model of the hub. */
  readonly weights?: string;
  /** The number of parts for the cross-validation, at least 2; 5 by default. */
  readonly folds?: number;
  /** Which images are in which fold; 0 by default. */
  readonly seed?: number;
  /**
   * The inverse of the regularization's strength, as in scikit-learn's `LogisticRegression`. By default that with the
   * lowest cross-validated NLL.
   */
  readonly c?: number;
  /**
   * `'balanced'` weights each image by the inverse of the frequency of its class, as in scikit-learn, for a model that
   * is to recognize rare classes as well as frequent ones. By default all images count the same, and the scores are
   * calibrated for classes as frequent as in the dataset.
   */
  readonly classWeight?: 'balanced';
  /** Rotates and mirrors each image according to its EXIF orientation; `false` by default, as in `classify`. */
  readonly orient?: boolean;
  /** Called after each chunk of images, and after each fit. */
  readonly onProgress?: (progress: TeachProgress) => void;
  /** Called while the model is downloaded or built. */
  readonly onHubProgress?: (progress: HubProgress) => void;
  /**
   * When aborted, the promise is rejected with the signal's reason, and nothing is written. Embeddings that were
   * computed are kept for the next call.
   */
  readonly signal?: AbortSignal;
}

const optionNames = Object.keys({
  ...{ device: true, precision: true, tolerance: true, plan: true, threads: true },
  ...{ size: true, crop: true, limits: true, hubDir: true, forceReload: true, offline: true },
  ...{ model: true, out: true, weights: true, folds: true, seed: true, c: true },
  ...{ classWeight: true, orient: true, onProgress: true, onHubProgress: true, signal: true },
} satisfies Record<keyof TeachOptions, true>);

/** @throws OptionError if an option is missing, unknown or has an invalid value */
export function checkTeachOptions(options: TeachOptions): void {
  checkOptionNames(options, optionNames, 'teach');
  const { model, out, weights, folds, seed, c, classWeight, orient, signal } = options;
  if (typeof model !== 'string' || model === '') {
    throw invalidArgument('model', 'the name of a model, or the path of a TorchScript file', model);
  }
  checkPath('out', out);
  if (weights !== undefined) checkPath('weights', weights);
  if (folds !== undefined && !(Number.isInteger(folds) && folds >= 2)) {
    throw invalidValue('folds', 'an integer from 2', folds);
  }
  if (seed !== undefined && !Number.isSafeInteger(seed)) {
    throw invalidValue('seed', 'an integer', seed);
  }
  if (c !== undefined && !(Number.isFinite(c) && c > 0)) {
    throw invalidValue('c', 'a number above 0', c);
  }
  if (classWeight !== undefined && classWeight !== 'balanced') {
    throw invalidValue('classWeight', `'balanced'`, classWeight);
  }
  if (orient !== undefined && typeof orient !== 'boolean') {
    throw invalidValue('orient', 'true or false', orient);
  }
  for (const name of ['onProgress', 'onHubProgress'] as const) {
    const callback: unknown = options[name];
    if (callback !== undefined && typeof callback !== 'function') {
      throw invalidValue(name, 'a function', callback);
    }
  }
  checkSignal(signal);
  checkModelOptions(options);
}
