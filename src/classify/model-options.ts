import { completeLimits, type DecodeLimits, type ImageInput } from '../image';
import { completeIsolation, type IsolationLimits } from '../isolate';
import { checkInputOptions, type InputOptions, type ModelDescription } from '../models';
import { checkOptionNames, checkSignal, pick, invalidValue } from '../options';
import { checkExecutorOptions, type DeviceName, type ExecutorOptions } from '../native';
import { checkPlanOptions, planOptionNames, type PlanOptions } from '../torch';
import type { Transform } from '../types';

/** The `ModelOptions` for how a classifier computes, without its device and threads. */
export interface InferenceOptions extends PlanOptions, InputOptions {
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
  /**
   * Decodes large JPEGs at a half, a quarter or an eighth of their size, as long as twice the size remains that the
   * transform resizes them to; `false` by default. Decoding is faster, but the pixels are only near those of
   * Pillow (docs/image-formats.md).
   */
  readonly shrinkOnLoad?: boolean;
  /** Limits on one image: its pixels, the bytes of its file and the time to decode it. */
  readonly limits?: DecodeLimits;
}

/** Options of every function that opens a classifier. */
export interface ModelOptions extends ExecutorOptions, InferenceOptions {
  /** The device that the model runs on; `'auto'` by default. */
  readonly device?: DeviceName;
}

/** Options of functions that open a TorchScript file which may not be trusted. */
export interface TrustOptions {
  /**
   * As in `ScriptModule.load`: refuses the file if its code names anything but operators that compute with
   * tensors; `false` by default.
   */
  readonly verify?: boolean;
  /**
   * Runs the model in a child process, with limits on its memory and on the duration of calls; `false` by default.
   * `true` stands for the default limits. A model that crashes, hangs or allocates without end then fails its calls
   * with a typed error, and the next call starts the process again. It can still do what the user may do, such as
   * read and write files (docs/isolation.md).
   */
  readonly isolate?: boolean | IsolationLimits;
}

/** Options of `Classifier.open`. */
export interface ClassifierOpenOptions extends ModelOptions, ModelDescription, TrustOptions {
  /** When aborted, the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

const inferenceOptionNames = [
  ...planOptionNames,
  ...Object.keys({
    ...{ calibration: true, decode: true, shrinkOnLoad: true, limits: true },
    ...{ size: true, crop: true },
  } satisfies Record<Exclude<keyof InferenceOptions, keyof PlanOptions>, true>),
] as readonly (keyof InferenceOptions)[];

/** The names of all `ModelOptions`. */
export const modelOptionNames = [
  ...Object.keys({
    ...{ device: true, threads: true, instances: true, callTimeout: true, queue: true },
  } satisfies Record<Exclude<keyof ModelOptions, keyof InferenceOptions>, true>),
  ...inferenceOptionNames,
] as readonly (keyof ModelOptions)[];

/** The names of all `ClassifierOpenOptions`. */
export const classifierOpenOptionNames = [
  ...modelOptionNames,
  ...Object.keys({
    ...{ classes: true, transform: true, signal: true, isolate: true, verify: true },
  } satisfies Record<Exclude<keyof ClassifierOpenOptions, keyof ModelOptions>, true>),
] as readonly (keyof ClassifierOpenOptions)[];

const transformNames = Object.keys({
  ...{ resize: true, crop: true, interpolation: true, mean: true, std: true },
} satisfies Record<keyof Transform, true>);

/** @throws OptionError if the options have unknown names, or inference options are invalid */
export function checkClassifierOpenOptions(options: ClassifierOpenOptions): void {
  checkOptionNames(options, classifierOpenOptionNames, 'Classifier.open');
  checkModelOptions(options);
  checkTrustOptions(options);
  checkSignal(options.signal);
  checkOptionNames(options.transform, transformNames, 'transform');
}

/** @throws OptionError if `verify` or `isolate` is invalid, or not compatible with the other options */
export function checkTrustOptions({
  verify,
  isolate,
  decode,
}: InferenceOptions & TrustOptions): void {
  if (verify !== undefined && typeof verify !== 'boolean') {
    throw invalidValue('verify', 'true or false', verify);
  }
  if (completeIsolation(isolate) && decode === 'gpu') {
    throw invalidValue(
      'decode',
      `'cpu' for an isolated model, whose images this process decodes`,
      decode,
    );
  }
}

/** Picks the `ModelOptions` from options that include others. */
export function pickModelOptions(options: ModelOptions): ModelOptions {
  return pick(options, modelOptionNames);
}

/** @throws OptionError unless the options, except for the device, have valid values that are compatible with each other */
export function checkModelOptions(options: ModelOptions): void {
  checkExecutorOptions(options);
  const { precision } = checkPlanOptions(options);
  const { calibration, decode, shrinkOnLoad, limits } = options;
  checkInputOptions(options);
  completeLimits(limits);
  if (decode !== undefined && decode !== 'cpu' && decode !== 'gpu') {
    throw invalidValue('decode', `'cpu' or 'gpu'`, decode);
  }
  if (shrinkOnLoad !== undefined && typeof shrinkOnLoad !== 'boolean') {
    throw invalidValue('shrinkOnLoad', 'true or false', shrinkOnLoad);
  }
  if (calibration === undefined) return;
  if (!Array.isArray(calibration) || calibration.length === 0) {
    throw invalidValue('calibration', 'an array of images', calibration);
  }
  if (precision !== 'int8' && precision !== 'auto') {
    throw invalidValue('precision', `'int8' or 'auto' with a calibration`, precision);
  }
}
