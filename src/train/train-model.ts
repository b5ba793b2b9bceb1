import { mkdir, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { completeAugment } from '../augment';
import { DatasetError } from '../errors';
import type { Evaluation } from '../evaluate';
import { modelNameOf } from '../learning';
import { checkInputOptions, resizeInput, type ModelMetadata } from '../models';
import { withLock } from '../net/lock';
import { abbreviate } from '../options';
import { checkWritable } from '../torch';
import type { EpochResult } from './epoch-result';
import { unwritable } from './errors';
import {
  completeFinetuneOptions,
  type FinetuneOptions,
  type TrainingSettings,
} from './finetune-options';
import { evaluateFile } from './evaluate-model';
import { openTrainingBase } from './open-base';
import { fingerprintOf, openTrainingData, type TrainingData } from './training-data';
import { TrainingRun } from './training-run';
import type { TrainingSource } from './training-source';

/** The images of a training. */
export interface TrainingImages {
  /** Their number; an image with several labels counts once for each. */
  readonly count: number;
  /** Identifies them, with their labels: a SHA-256 in hex. */
  readonly fingerprint: string;
  /** Those that cannot be read, with those of the validation. */
  readonly unreadable: number;
  /** Those without a label, with those of the validation. */
  readonly unlabeled: number;
}

/** A model that was fine-tuned, and how. */
export interface FinetunedModel {
  /** The absolute path of the TorchScript file. */
  readonly path: string;
  readonly metadata: ModelMetadata;
  /** The results of all epochs, also of those before an interruption. */
  readonly epochs: readonly EpochResult[];
  /** The epoch whose weights were written: the one with the highest accuracy, without validation the last one. */
  readonly bestEpoch: number;
  /** The validation of the file; undefined without validation, or after an abort. */
  readonly evaluation: Evaluation | undefined;
  /** Whether all epochs were completed; false after an abort. */
  readonly completed: boolean;
  /** What was trained on. */
  readonly training: TrainingImages;
  /** The share of the time of the training, in this process, that it waited for images, 0 to 1. */
  readonly waiting: number;
}

/** Options that were checked. */
export interface CheckedOptions {
  readonly options: FinetuneOptions;
  readonly settings: TrainingSettings;
}

/** @throws OptionError if an option is unknown or has an invalid value */
export async function checkFinetuneOptions(options: FinetuneOptions): Promise<CheckedOptions> {
  const settings = completeFinetuneOptions(options);
  checkInputOptions(options);
  await checkWritable(resolve(options.out));
  return { options, settings };
}

/** A training that is a part of another task. */
export interface TrainingPart {
  /** The names of the classes, which need not be the labels that occur; an image may then have several labels. */
  readonly classes: readonly string[];
  /** Whether there must be images of each class. */
  readonly needsAllClasses: boolean;
  /** Whether no model is written if the training is aborted. */
  readonly discardsUnfinished: boolean;
}

/** Trains a model, as described at `finetune`. */
export async function trainModel(
  source: TrainingSource,
  { options, settings }: CheckedOptions,
  part?: TrainingPart,
): Promise<FinetunedModel> {
  const directory = resolve(options.runDir ?? `${options.out}.run`);
  await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    throw unwritable(directory, cause);
  });
  try {
    return await withLock(
      join(directory, 'lock'),
      (signal) => train(source, directory, settings, { ...options, signal }, part),
      { signal: options.signal, toError: (error) => unwritable(directory, error) },
    );
  } finally {
    // Only if it is empty: a run that failed before its first epoch leaves nothing.
    await rmdir(directory).catch(() => undefined);
  }
}

async function train(
  source: TrainingSource,
  directory: string,
  settings: TrainingSettings,
  options: FinetuneOptions & { readonly signal: AbortSignal },
  part: TrainingPart | undefined,
): Promise<FinetunedModel> {
  const path = resolve(options.out);
  const { onHubProgress: onProgress } = options;
  const base = await openTrainingBase({ ...options, onProgress }, settings.seed);
  let run: TrainingRun | undefined;
  try {
    const transform = resizeInput(base.transform, options);
    const { crop: size, resize } = transform;
    const policy = completeAugment(options.augment, { size, resize });
    const data = await openTrainingData(source, settings, policy, options, part?.classes);
    checkImages(source.name, data, part?.needsAllClasses === true);
    const target = { name: modelNameOf(path), labels: data.classNames, transform };
    const metadata = base.describe(target);
    run = await TrainingRun.open({ directory, data, base, metadata, policy }, settings, options);
    const completed = await run.complete(options);
    if (completed || part?.discardsUnfinished !== true) await run.writeBest(path);
    return {
      ...{ path, metadata, epochs: run.epochs, bestEpoch: run.bestEpoch },
      ...{ completed, waiting: run.waiting, training: describeImages(data) },
      evaluation: completed ? await evaluateFile(path, metadata, data, options) : undefined,
    };
  } finally {
    await run?.close();
    await base.close();
  }
}

function describeImages({ training, unreadable, unlabeled }: TrainingData): TrainingImages {
  return {
    ...{ count: training.indices.length, fingerprint: fingerprintOf(training) },
    ...{ unreadable: unreadable.length, unlabeled: unlabeled.length },
  };
}

/** @throws DatasetError if there are no images, or none of a class */
function checkImages(
  name: string,
  { classNames, training: { set, indices } }: TrainingData,
  needsAllClasses: boolean,
): void {
  const found = new Set(indices.map((index) => set.images[index]!.label));
  if (found.size === 0) {
    throw new DatasetError('ERR_SEMISUP_DATASET_EMPTY', {
      what: `${name} has no images to train on that can be read and have a label of a class.`,
      remedy: 'Check the path, the labels and, if there is one, the table of tags.',
      value: name,
    });
  }
  const missing = classNames.find((_, index) => !found.has(index));
  if (!needsAllClasses || missing === undefined) return;
  throw new DatasetError('ERR_SEMISUP_DATASET_CLASSES', {
    what: `${name} has no image of '${abbreviate(missing)}' to train on that can be read.`,
    remedy: 'Add images of the class, or remove it.',
    value: missing,
  });
}
