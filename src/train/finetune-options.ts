import type { AugmentOptions } from '../augment';
import type { Dataset } from '../dataset';
import type { HubOptions, HubProgress } from '../hub';
import type { DecodeLimits } from '../image';
import { checkExecutorOptions, type DeviceName } from '../native';
import {
  checkOptionNames,
  checkPath,
  checkSignal,
  invalidArgument,
  invalidValue,
} from '../options';
import { checkDeviceName } from '../torch';
import type { EpochResult } from './epoch-result';
import type { Trainable } from './parameter-groups';
import type { Schedule } from './schedule';

/** How far `finetune` has come. */
export interface FinetuneProgress {
  /** `read`: the images are read and decoded; `train`: an epoch; `validate`: its validation. */
  readonly phase: 'read' | 'train' | 'validate';
  /** Images of this phase. */
  readonly done: number;
  /** If it is known. */
  readonly total: number | undefined;
  /** Images per second of this phase. */
  readonly rate: number;
  /** From 1; 0 while the images are read. */
  readonly epoch: number;
  /** The number of epochs. */
  readonly epochs: number;
  /** Of `train`: the mean loss of the epoch so far. */
  readonly loss?: number;
  /** Of `train`: the accuracy of the epoch so far, 0 to 1. */
  readonly accuracy?: number;
}

/** Options of `finetune`. */
export interface FinetuneOptions extends Pick<HubOptions, 'hubDir' | 'offline'> {
  /**
   * The model that is trained: a name of the hub, or the path of a TorchScript file. The last layer of an architecture of the
   * hub is kept if it has the classes of the dataset, and replaced otherwise; any other module is trained as it is, and must
   * return as many logits as the dataset has classes. The name of an architecture, such as `'resnet18'`, stands for random
   * weights: training from scratch.
   */
  readonly model: string;
  /** The TorchScript file that is written at the end, with the weights of the best epoch. */
  readonly out: string;
  /** A checkpoint of your own in place of that of a model of the hub. */
  readonly weights?: string;
  /** The directory of the run's checkpoints; by default `out` followed by `.run`. A run that was interrupted goes on. */
  readonly runDir?: string;
  /** Images to judge the epochs by: a dataset, or the share of the images that is not trained on; 0.1 by default. */
  readonly validation?: Dataset | number;
  /** Which parameters are trained; `'all'` by default. */
  readonly trainable?: Trainable;
  /** 10 by default. */
  readonly epochs?: number;
  /** The images of a batch; 32 by default. */
  readonly batchSize?: number;
  /** The number of batches whose gradients are accumulated before an update; 1 by default. */
  readonly accumulate?: number;
  /** `'sgd'`, with Nesterov momentum, by default; or `'adamw'` (Loshchilov and Hutter, 2019). */
  readonly optimizer?: 'sgd' | 'adamw';
  /** The highest learning rate; 0.01 by default, of `adamw` 0.0001. */
  readonly lr?: number;
  /** Of `sgd`; 0.9 by default. */
  readonly momentum?: number;
  /** Not of biases and normalizations; 0.0001 by default, of `adamw` 0.05. */
  readonly weightDecay?: number;
  /** What the learning rate of a stage is multiplied by, compared with that of the next one; 1 by default. */
  readonly layerDecay?: number;
  /** `'cosine'` by default. */
  readonly schedule?: Schedule;
  /** The epochs during which the learning rate rises, which may be a fraction; 0 by default. */
  readonly warmupEpochs?: number;
  /** 0 by default. */
  readonly labelSmoothing?: number;
  /** The parameter of mixup's Beta distribution; 0, which is off, by default. */
  readonly mixup?: number;
  /** The parameter of CutMix's Beta distribution; 0, which is off, by default. */
  readonly cutmix?: number;
  /** The decay of a moving average of the weights, which is then validated and written; 0, which is off, by default. */
  readonly ema?: number;
  /** Whether BatchNorm uses and keeps its running statistics; `false` by default. Parts that are not trained always do. */
  readonly freezeBatchNorm?: boolean;
  /** The maximum norm of the gradients; not limited by default. */
  readonly clipNorm?: number;
  /** `'balanced'` draws images of each class with the same probability. By default each image occurs once an epoch. */
  readonly sampling?: 'balanced';
  /** How images are changed at random. */
  readonly augment?: AugmentOptions;
  /** The side of the model's input in pixels; that of the model by default. Models are written with it. */
  readonly size?: number;
  /** The share of an image's shorter side that the model sees when it is used; that of the model by default. */
  readonly crop?: number;
  /** `'bfloat16'` runs the operators in it that PyTorch's autocast does; `'float32'` by default. */
  readonly precision?: 'float32' | 'bfloat16';
  readonly device?: DeviceName;
  /** The number of threads that compute a step; that of `setThreads` by default. */
  readonly threads?: number;
  /** Determines all random numbers; 0 by default. With the same threads and machine, a run is repeated bit for bit. */
  readonly seed?: number;
  /** The memory for decoded images, in bytes; 512 MiB by default. */
  readonly cacheBytes?: number;
  /**
   * Decodes large JPEGs of the training at a fraction of their size, as long as the smallest crop is not enlarged for it;
   * `false` by default. Decoding is faster and more images fit into `cacheBytes`, but pixels are only near those of Pillow
   * (docs/image-formats.md). Images are validated in full size.
   */
  readonly shrinkOnLoad?: boolean;
  /** Rotates and mirrors each image according to its EXIF orientation; `false` by default. */
  readonly orient?: boolean;
  readonly limits?: DecodeLimits;
  /** Called after each step. */
  readonly onProgress?: (progress: FinetuneProgress) => void;
  /** Called after each epoch. */
  readonly onEpoch?: (result: EpochResult) => void;
  /** Called while the model is downloaded or built. */
  readonly onHubProgress?: (progress: HubProgress) => void;
  /**
   * When aborted, the training ends after the current step: the best model so far is written, or, if no epoch was
   * completed, the promise is rejected with the signal's reason.
   */
  readonly signal?: AbortSignal;
}

/** How a model is trained: those of the options of `finetune` that a step of `selftrain` has of its own. */
export type TrainingRecipe = Pick<
  FinetuneOptions,
  | 'trainable'
  | 'epochs'
  | 'batchSize'
  | 'accumulate'
  | 'optimizer'
  | 'lr'
  | 'momentum'
  | 'weightDecay'
  | 'layerDecay'
  | 'schedule'
  | 'warmupEpochs'
  | 'labelSmoothing'
  | 'mixup'
  | 'cutmix'
  | 'ema'
  | 'freezeBatchNorm'
  | 'clipNorm'
  | 'sampling'
  | 'augment'
>;

export const recipeNames = Object.keys({
  ...{ trainable: true, epochs: true, batchSize: true, accumulate: true, optimizer: true },
  ...{ lr: true, momentum: true, weightDecay: true, layerDecay: true, schedule: true },
  ...{ warmupEpochs: true, labelSmoothing: true, mixup: true, cutmix: true, ema: true },
  ...{ freezeBatchNorm: true, clipNorm: true, sampling: true, augment: true },
} satisfies Record<keyof TrainingRecipe, true>);

const otherNames = Object.keys({
  ...{ model: true, out: true, weights: true, runDir: true, validation: true, size: true },
  ...{ crop: true, precision: true, device: true, threads: true, seed: true, cacheBytes: true },
  ...{ orient: true, shrinkOnLoad: true, limits: true, hubDir: true, offline: true },
  ...{ onProgress: true, onEpoch: true, onHubProgress: true, signal: true },
} satisfies Record<Exclude<keyof FinetuneOptions, keyof TrainingRecipe>, true>);

/** The options that determine a run, with their defaults. */
export type TrainingSettings = Required<
  Omit<TrainingRecipe, 'sampling' | 'augment'> &
    Pick<FinetuneOptions, 'precision' | 'seed' | 'orient' | 'shrinkOnLoad'>
> & { readonly isBalanced: boolean };

/** @throws OptionError if an option is missing, unknown or has an invalid value */
export function completeFinetuneOptions(options: FinetuneOptions): TrainingSettings {
  checkOptionNames(options, [...recipeNames, ...otherNames], 'finetune');
  checkPlaces(options);
  const { optimizer = 'sgd', precision = 'float32', trainable = 'all', sampling } = options;
  checkChoice('optimizer', optimizer, ['sgd', 'adamw']);
  checkChoice('precision', precision, ['float32', 'bfloat16']);
  checkChoice('trainable', trainable, ['head', 'last-stage', 'all']);
  if (sampling !== undefined) checkChoice('sampling', sampling, ['balanced']);
  const isSgd = optimizer === 'sgd';
  const settings: TrainingSettings = {
    ...{ optimizer, precision, trainable, isBalanced: sampling === 'balanced' },
    epochs: integer('epochs', options.epochs, 10, 1),
    batchSize: integer('batchSize', options.batchSize, 32, 2),
    accumulate: integer('accumulate', options.accumulate, 1, 1),
    lr: number('lr', options.lr, isSgd ? 0.01 : 1e-4, 0, 1e3),
    momentum: number('momentum', options.momentum, 0.9, 0, 1),
    weightDecay: number('weightDecay', options.weightDecay, isSgd ? 1e-4 : 0.05, 0, 1e3),
    layerDecay: number('layerDecay', options.layerDecay, 1, 0, 1),
    schedule: options.schedule ?? 'cosine',
    warmupEpochs: number('warmupEpochs', options.warmupEpochs, 0, 0, 1e6),
    labelSmoothing: number('labelSmoothing', options.labelSmoothing, 0, 0, 1),
    mixup: number('mixup', options.mixup, 0, 0, 100),
    cutmix: number('cutmix', options.cutmix, 0, 0, 100),
    ema: number('ema', options.ema, 0, 0, 1),
    freezeBatchNorm: boolean('freezeBatchNorm', options.freezeBatchNorm),
    clipNorm: number('clipNorm', options.clipNorm, 0, 0, Infinity),
    seed: integer('seed', options.seed, 0, Number.MIN_SAFE_INTEGER),
    orient: boolean('orient', options.orient),
    shrinkOnLoad: boolean('shrinkOnLoad', options.shrinkOnLoad),
  };
  checkSchedule(settings.schedule);
  checkExecutorOptions({ threads: options.threads });
  checkDeviceName(options.device);
  return settings;
}

function checkPlaces(options: FinetuneOptions): void {
  const { model, out, weights, runDir, validation, signal } = options;
  if (typeof model !== 'string' || model === '') {
    throw invalidArgument('model', 'the name of a model, or the path of a TorchScript file', model);
  }
  checkPath('out', out);
  if (weights !== undefined) checkPath('weights', weights);
  if (runDir !== undefined) checkPath('runDir', runDir);
  const isShare = typeof validation === 'number' && validation >= 0 && validation < 1;
  const isDataset = typeof validation === 'object' && 'samples' in validation;
  if (validation !== undefined && !isShare && !isDataset) {
    throw invalidValue('validation', 'a dataset, or a share from 0 to below 1', validation);
  }
  integer('cacheBytes', options.cacheBytes, 0, 0);
  for (const name of ['onProgress', 'onEpoch', 'onHubProgress'] as const) {
    const callback: unknown = options[name];
    if (callback === undefined || typeof callback === 'function') continue;
    throw invalidValue(name, 'a function', callback);
  }
  checkSignal(signal);
}

function checkSchedule(schedule: Schedule): void {
  if (schedule === 'constant' || schedule === 'cosine') return;
  const isList =
    typeof schedule === 'object' &&
    Array.isArray(schedule.milestones) &&
    schedule.milestones.every((epoch) => Number.isFinite(epoch) && epoch >= 0);
  if (!isList) {
    throw invalidValue('schedule', `'constant', 'cosine' or { milestones, gamma }`, schedule);
  }
  checkOptionNames(schedule, ['milestones', 'gamma'], 'schedule');
  number('schedule.gamma', schedule.gamma, 0.1, 0, 1);
}

function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return;
  throw invalidValue(name, choices.map((choice) => `'${choice}'`).join(' or '), value);
}

function boolean(name: string, value = false): boolean {
  if (typeof value === 'boolean') return value;
  throw invalidValue(name, 'true or false', value);
}

function integer(name: string, value: number | undefined, standard: number, min: number): number {
  if (value === undefined) return standard;
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw invalidValue(name, `an integer from ${min}`, value);
}

function number(
  name: string,
  value: number | undefined,
  standard: number,
  min: number,
  max: number,
): number {
  if (value === undefined) return standard;
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw invalidValue(name, `a number from ${min}${max < Infinity ? ` to ${max}` : ''}`, value);
}
