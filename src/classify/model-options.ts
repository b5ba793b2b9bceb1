import type { ImageInput } from '../image';
import { pick, invalidValue } from '../options';
import {
  checkPlanOptions,
  planOptionNames,
  type DeviceName,
  type ExecutorOptions,
  type PlanOptions,
} from '../torch';

/** The `ModelOptions` for how a classifier computes, without its device and threads. */
export interface InferenceOptions extends PlanOptions {
  /**
   * With the precisions `'int8'` and `'auto'`: about 8 to 100 images, representative of those to be
   * classified, which calibrate the ranges of 8-bit activations. Synthetic images by default.
   */
  readonly calibration?: readonly ImageInput[];
  /**
   * The device that decodes JPEGs; `'cpu'` by default, with Pillow's pixels. `'gpu'` decodes them with
   * NVIDIA's nvJPEG if the model runs on a GPU: colors differ, and resized pixels by one or two levels. The
   * CPU decodes all other images, and JPEGs that nvJPEG cannot decode or that must be rotated.
   */
  readonly decode?: 'cpu' | 'gpu';
}

/** Options of every function that opens a classifier. */
export interface ModelOptions extends ExecutorOptions, InferenceOptions {
  /** The device that the model runs on; `'auto'` by default. */
  readonly device?: DeviceName;
}

/** Options of `Classifier.open`. */
export interface ClassifierOpenOptions extends ModelOptions {
  /** Rejects the call with the signal's reason. */
  readonly signal?: AbortSignal;
}

const inferenceOptionNames = [
  ...planOptionNames,
  ...Object.keys({ calibration: true, decode: true } satisfies Record<
    Exclude<keyof InferenceOptions, keyof PlanOptions>,
    true
  >),
] as readonly (keyof InferenceOptions)[];

/** The names of all `ModelOptions`. */
export const modelOptionNames = [
  ...Object.keys({ device: true, threads: true, instances: true } satisfies Record<
    Exclude<keyof ModelOptions, keyof InferenceOptions>,
    true
  >),
  ...inferenceOptionNames,
] as readonly (keyof ModelOptions)[];

/** Picks the `ModelOptions` from options that include others. */
export function pickModelOptions(options: ModelOptions): ModelOptions {
  return pick(options, modelOptionNames);
}

/** @throws OptionError unless the options have valid values that are compatible with each other */
export function checkInferenceOptions(options: InferenceOptions): void {
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
