import { existsSync } from 'node:fs';
import { completeAugment } from '../augment';
import type { Dataset } from '../dataset';
import { ModelError } from '../errors';
import { fileOfModel } from '../learning';
import { checkInputOptions, isArchitectureName } from '../models';
import {
  abbreviate,
  checkOptionNames,
  checkPath,
  checkSignal,
  invalidArgument,
  invalidValue,
  pick,
} from '../options';
import { checkSelectOptions } from '../pseudo-labels';
import {
  completeFinetuneOptions,
  recipeNames,
  type FinetuneOptions,
  type FinetuneProgress,
  type TrainingRecipe,
} from '../train';
import { stepNames, type SelftrainStep, type StepName } from './manifest';
import { finetuneRecipe, pretrainRecipe, withRecipe, type Recipe } from './recipes';

/** Weak labels, such as hashtags. */
export interface WeakLabels {
  /**
   * The images, whose labels are tags, separated by spaces, commas or semicolons: a dataset, or the path of one. In a list,
   * a tab must follow the name of an image.
   */
  readonly images: Dataset | string;
  /** The classes of tags: a text file with a tag and the label of the class that it stands for on each line. */
  readonly table: string;
}

/** How far `selftrain` has come. */
export interface SelftrainProgress extends Omit<FinetuneProgress, 'phase' | 'epoch' | 'epochs'> {
  readonly step: StepName;
  /** Of a training step `read`, `train` or `validate`, as of `finetune`; otherwise `run`. */
  readonly phase: FinetuneProgress['phase'] | 'run';
  /** Of a training step, from 1. */
  readonly epoch?: number;
  readonly epochs?: number;
}

/** Options of `selftrain`. */
export interface SelftrainOptions extends Pick<
  FinetuneOptions,
  | 'hubDir'
  | 'offline'
  | 'validation'
  | 'size'
  | 'crop'
  | 'precision'
  | 'device'
  | 'threads'
  | 'seed'
  | 'cacheBytes'
  | 'orient'
  | 'shrinkOnLoad'
  | 'limits'
  | 'onHubProgress'
> {
  /** The unlabeled images: one or several datasets, or paths of some. Their labels are ignored. */
  readonly pool: Dataset | string | readonly (Dataset | string)[];
  /** The TorchScript file of the student, which is written at the end. */
  readonly out: string;
  /** The directory of the run; by default `out` followed by `.run`. A run that was interrupted goes on. */
  readonly runDir?: string;
  /**
   * What the teacher is trained from: a model, as `FinetuneOptions.model`; `'resnet50_swsl'` by default. The paper's
   * teachers have more capacity than the students.
   */
  readonly teacher?: string;
  /** What the student is trained from, as `teacher`; `'resnet18'` by default: random weights, as in the paper. */
  readonly student?: string;
  /** Weak labels, on which the teacher is trained before the true ones: semi-weak supervision. */
  readonly weak?: WeakLabels;
  /** P in the paper: see `ScorePoolOptions.classesPerImage`. */
  readonly classesPerImage?: number;
  /**
   * K in the paper: see `SelectOptions.imagesPerClass`. By default 16 % of the scored images divided by the number of
   * classes: the paper selects 16,000 images for each of 1000 classes of 100 million.
   */
  readonly imagesPerClass?: number;
  /** See `SelectOptions.balanced`; `true` by default. */
  readonly balanced?: boolean;
  /** The true classes of images of the pool, where they are known, for the page: see `SelectionReportOptions.labels`. */
  readonly poolLabels?: ReadonlyMap<string, string>;
  /** The number of images of a score file: see `ScorePoolOptions.imagesPerShard`. */
  readonly imagesPerShard?: number;
  /** How each step trains, where not by default. */
  readonly training?: Readonly<Partial<Record<TrainingStep, TrainingRecipe>>>;
  /** The last step that is done; `'finetune'` by default. So a selection can be looked at before the student is trained. */
  readonly until?: StepName;
  /** Called after each batch, and as images are read. */
  readonly onProgress?: (progress: SelftrainProgress) => void;
  /** Called after each step, also if it was done before. */
  readonly onStep?: (step: SelftrainStep) => void;
  /** When aborted, the promise is rejected with the signal's reason. What was completed is kept. */
  readonly signal?: AbortSignal;
}

/** The steps that train. */
export type TrainingStep = Exclude<StepName, 'score' | 'select'>;

export const trainingSteps = ['weak', 'teacher', 'pretrain', 'finetune'] as const;

const optionNames = Object.keys({
  ...{ pool: true, out: true, runDir: true, teacher: true, student: true, weak: true },
  ...{
    classesPerImage: true,
    imagesPerClass: true,
    balanced: true,
    imagesPerShard: true,
    poolLabels: true,
  },
  ...{ training: true, until: true, hubDir: true, offline: true, validation: true, size: true },
  ...{ crop: true, precision: true, device: true, threads: true, seed: true, cacheBytes: true },
  ...{
    orient: true,
    shrinkOnLoad: true,
    limits: true,
    onHubProgress: true,
    onProgress: true,
    onStep: true,
  },
  signal: true,
} satisfies Record<keyof SelftrainOptions, true>);

/** How a step trains by default. */
const defaultsOf: Record<TrainingStep, { epochs: number; recipe: Recipe | undefined }> = {
  weak: { epochs: 30, recipe: pretrainRecipe },
  teacher: { epochs: 10, recipe: undefined },
  pretrain: { epochs: 30, recipe: pretrainRecipe },
  finetune: { epochs: 10, recipe: finetuneRecipe },
};

/** The options of a step that trains: its own, those of the whole run, and defaults. */
export function trainingOptions(step: TrainingStep, options: SelftrainOptions) {
  const { epochs, recipe } = defaultsOf[step];
  return {
    ...withRecipe(recipe, { epochs, batchSize: 32 }, options.training?.[step] ?? {}),
    ...pick(options, [
      ...(['hubDir', 'offline', 'size', 'crop', 'precision', 'device', 'threads'] as const),
      ...(['seed', 'cacheBytes', 'orient', 'shrinkOnLoad', 'limits', 'onHubProgress'] as const),
    ]),
  };
}

/** What the teacher and the student are trained from. */
export function modelsOf({ teacher = 'resnet50_swsl', student = 'resnet18' }: SelftrainOptions) {
  return { teacher, student };
}

/**
 * @throws OptionError if an option is missing, unknown or has an invalid value
 * @throws ModelError if a model is unknown, or its file does not exist
 */
export function checkSelftrainOptions(options: SelftrainOptions): void {
  checkOptionNames(options, optionNames, 'selftrain');
  const { out, runDir, weak, training, until, signal } = options ?? {};
  const { imagesPerClass, balanced, poolLabels } = options ?? {};
  checkPath('out', out);
  if (runDir !== undefined) checkPath('runDir', runDir);
  checkSelectOptions({ imagesPerClass: imagesPerClass ?? 1, balanced });
  if (poolLabels !== undefined && !(poolLabels instanceof Map)) {
    throw invalidValue('poolLabels', 'a Map from the names of images to classes', poolLabels);
  }
  if (training !== undefined) checkTraining(training);
  if (weak !== undefined) checkWeak(weak);
  if (until !== undefined && !stepNames.includes(until)) {
    throw invalidValue('until', stepNames.map((step) => `'${step}'`).join(' or '), until);
  }
  if (until === 'weak' && weak === undefined) {
    throw invalidValue('until', "a step after 'weak', without the option weak,", until);
  }
  for (const name of ['onProgress', 'onStep'] as const) {
    const callback: unknown = options[name];
    if (callback === undefined || typeof callback === 'function') continue;
    throw invalidValue(name, 'a function', callback);
  }
  checkSignal(signal);
  const { teacher, student } = modelsOf(options);
  const { validation } = options;
  for (const step of trainingSteps) {
    const own = trainingOptions(step, options);
    completeFinetuneOptions({ ...own, model: teacher, out, validation });
    completeAugment(own.augment, { size: 224, resize: 256 });
  }
  checkInputOptions(options);
  for (const model of [teacher, student]) checkModel(model);
}

function checkTraining(training: NonNullable<SelftrainOptions['training']>): void {
  checkOptionNames(training, [...trainingSteps], 'training');
  for (const [step, one] of Object.entries(training)) {
    if (one !== undefined) checkOptionNames(one, recipeNames, `training.${step}`);
  }
}

function checkWeak(weak: WeakLabels): void {
  checkOptionNames(weak, ['images', 'table'], 'weak');
  const { images, table } = weak;
  if (typeof images !== 'object' || !('samples' in images)) checkPath('weak.images', images);
  checkPath('weak.table', table);
}

/** Before hours of training. */
function checkModel(model: unknown): void {
  if (typeof model !== 'string' || model === '') {
    throw invalidArgument('a model', 'a name, or the path of a TorchScript file', model);
  }
  const path = isArchitectureName(model) ? undefined : fileOfModel(model);
  if (path === undefined || existsSync(path)) return;
  throw new ModelError('ERR_SEMISUP_MODEL_NOT_FOUND', {
    what: `The model file '${abbreviate(path)}' does not exist.`,
    remedy: 'Check the path.',
    value: path,
  });
}
