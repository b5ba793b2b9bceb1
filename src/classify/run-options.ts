import type { ImageInput } from '../image';
import { pick, invalidValue } from '../options';
import {
  checkPlanOptions,
  planOptionNames,
  type DeviceName,
  type ExecutorOptions,
  type PlanOptions,
} from '../torch';

/** How a classifier runs. */
export interface RunOptions extends PlanOptions {
  /**
   * With the precisions `'int8'` and `'auto'`: images like those to be classified, about 8 to 100 of
   * them, which calibrate the ranges of 8-bit activations. Synthetic images by default.
   */
  readonly calibration?: readonly ImageInput[];
  /**
   * Where JPEGs are decoded; `'cpu'` by default, with Pillow's pixels. On a GPU, `'gpu'` decodes them
   * with NVIDIA's nvJPEG: its colours differ, and its resized pixels by a level or two. The CPU decodes
   * all other images, and JPEGs that nvJPEG cannot decode or that must be rotated.
   */
  readonly decode?: 'cpu' | 'gpu';
}

/** Options of every function that opens a classifier: where and how it runs. */
export interface ModelOptions extends ExecutorOptions, RunOptions {
  /** The device that it runs on; `'auto'` by default. */
  readonly device?: DeviceName;
}

/** Options of `Classifier.open`. */
export interface OpenOptions extends ModelOptions {
  /** Rejects the call with the signal's reason. */
  readonly signal?: AbortSignal;
}

const runOptionNames = [
  ...planOptionNames,
  ...Object.keys({ calibration: true, decode: true } satisfies Record<
    Exclude<keyof RunOptions, keyof PlanOptions>,
    true
  >),
] as readonly (keyof RunOptions)[];

/** The names of all `ModelOptions`. */
export const modelOptionNames = [
  ...Object.keys({ device: true, threads: true, instances: true } satisfies Record<
    Exclude<keyof ModelOptions, keyof RunOptions>,
    true
  >),
  ...runOptionNames,
] as readonly (keyof ModelOptions)[];

/** The `ModelOptions` among the options of a function that has others too. */
export function pickModelOptions(options: ModelOptions): ModelOptions {
  return pick(options, modelOptionNames);
}

/** @throws OptionError unless the options have valid values that are compatible with each other */
export function checkRunOptions(options: RunOptions): void {
  const { precision } = checkPlanOptions(options);
  const { calibration, decode } = options;
  if (decode !== undefined && decode !== 'cpu' && decode !== 'gpu') {
    throw invalidValue('decode', `'cpu' or 'gpu'`, decode);
  }
  if (calibration === undefined) return;
  if (!Array.isArray(calibration) || calibration.length === 0) {
    throw invalidValue('calibration', 'an array of images', calibration);
  }
  if (precision !== 'int8' && precision !== 'auto') {
    throw invalidValue('precision', `'int8' or 'auto' with a calibration`, precision);
  }
}
