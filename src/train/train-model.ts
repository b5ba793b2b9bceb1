import { mkdir, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { completeAugment } from '../augment';
import { DatasetError } from '../errors';
import type { Evaluation } from '../evaluate';
import { modelNameOf } from '../learning';
import { checkInputOptions, resizeInput, type ModelMetadata } from '../models';
import { withLock } from '../net/lock';
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
import { fingerprintOf, openTrainingData } from './training-data';
import { TrainingRun } from './training-run';
import type { TrainingSource } from './training-source';

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
  /** Identifies the images that were trained on, with their labels: a SHA-256 in hex. */
  readonly fingerprint: string;
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

/**
 * Trains a model, as described at `finetune`.
 *
 * @param classes the names of the classes, if they are not the labels that occur; an image may then have several labels
 */
export async function trainModel(
  source: TrainingSource,
  { options, settings }: CheckedOptions,
  classes?: readonly string[],
): Promise<FinetunedModel> {
  const directory = resolve(options.runDir ?? `${options.out}.run`);
  await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    throw unwritable(directory, cause);
  });
  try {
    return await withLock(
      join(directory, 'lock'),
      (signal) => train(source, directory, settings, { ...options, signal }, classes),
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
  classes: readonly string[] | undefined,
): Promise<FinetunedModel> {
  const path = resolve(options.out);
  const { onHubProgress: onProgress } = options;
  const base = await openTrainingBase({ ...options, onProgress }, settings.seed);
  let run: TrainingRun | undefined;
  try {
    const transform = resizeInput(base.transform, options);
    const { crop: size, resize } = transform;
    const policy = completeAugment(options.augment, { size, resize });
    const data = await openTrainingData(source, settings, policy, options, classes);
    if (data.training.indices.length === 0) throw noImages(source.name);
    const target = { name: modelNameOf(path), labels: data.classNames, transform };
    const metadata = base.describe(target);
    run = await TrainingRun.open({ directory, data, base, metadata, policy }, settings, options);
    const completed = await run.complete(options);
    await run.writeBest(path);
    return {
      ...{ path, metadata, epochs: run.epochs, bestEpoch: run.bestEpoch },
      ...{ completed, waiting: run.waiting, fingerprint: fingerprintOf(data.training) },
      evaluation: completed ? await evaluateFile(path, metadata, data, options) : undefined,
    };
  } finally {
    await run?.close();
    await base.close();
  }
}

function noImages(name: string): DatasetError {
  return new DatasetError('ERR_SEMISUP_DATASET_EMPTY', {
    what: `${name} has no images to train on that can be read and have a label.`,
    remedy: 'Check the path and the labels.',
    value: name,
  });
}
