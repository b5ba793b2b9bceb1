import { mkdir, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { completeAugment } from '../augment';
import { openDataset, type Dataset } from '../dataset';
import { summarize, type Evaluation } from '../evaluate';
import { checkInputOptions, classesOf, resizeInput, type ModelMetadata } from '../models';
import { withLock } from '../net/lock';
import { checkWritable, ScriptModule } from '../torch';
import { openBaseWeights } from './base-weights';
import { recipeOf, stateOf } from './build-model';
import type { EpochResult } from './epoch-result';
import { unwritable } from './errors';
import {
  completeFinetuneOptions,
  type FinetuneOptions,
  type TrainingSettings,
} from './finetune-options';
import { judge } from './judge';
import { openTrainingData, type TrainingData } from './training-data';
import { TrainingRun } from './training-run';
import { writeBest } from './write-best';

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
  /** The share of the time of the training, in this process, that it waited for images, 0 to 1. */
  readonly waiting: number;
}

/**
 * Trains a model on labeled images, all of its layers or the last ones, and writes the best epoch as a TorchScript file
 * that `Classifier.open`, `ModelSlot`, `semisup compile` and Python's `torch.jit.load` open.
 *
 * The loss is cross-entropy. After each epoch the model is validated, and the state of the run is written to `runDir`:
 * `last.safetensors` has the weights, the optimizer and the moving averages, `best.safetensors` the best weights. A run that
 * was interrupted goes on after the last epoch that was written, and ends with the same weights as one that was not, bit
 * for bit, on the same machine with as many threads.
 *
 * @param dataset of `openDataset`, or the path of one
 * @throws TrainingError if the loss is not finite any more, `runDir` belongs to another run, or a file cannot be written
 * @throws DatasetError if there are fewer than two classes, a class has fewer than two images, a directory has none, or
 *   identical images have different labels
 * @throws ModelError if the model is unknown or has another architecture than those of the hub, or `out` cannot be written
 * @throws OptionError if an option is unknown or has an invalid value
 */
export async function finetune(
  dataset: Dataset | string,
  options: FinetuneOptions,
): Promise<FinetunedModel> {
  const settings = completeFinetuneOptions(options);
  checkInputOptions(options);
  const path = resolve(options.out);
  await checkWritable(path);
  const opened = typeof dataset === 'string' ? await openDataset(dataset) : dataset;
  const directory = resolve(options.runDir ?? `${options.out}.run`);
  await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    throw unwritable(directory, cause);
  });
  try {
    return await withLock(
      join(directory, 'lock'),
      (signal) => train(opened, path, directory, settings, { ...options, signal }),
      { signal: options.signal, toError: (error) => unwritable(directory, error) },
    );
  } finally {
    // Only if it is empty: a run that failed before its first epoch leaves nothing.
    await rmdir(directory).catch(() => undefined);
  }
}

async function train(
  dataset: Dataset,
  path: string,
  directory: string,
  settings: TrainingSettings,
  options: FinetuneOptions & { readonly signal: AbortSignal },
): Promise<FinetunedModel> {
  const { onHubProgress: onProgress } = options;
  const base = await openBaseWeights({ ...options, onProgress }, settings.seed);
  let run: TrainingRun | undefined;
  try {
    const transform = resizeInput(base.metadata.transform, options);
    const { crop: size, resize } = transform;
    const policy = completeAugment(options.augment, { size, resize });
    const data = await openTrainingData(dataset, settings, options);
    const { classNames } = data;
    const recipe = recipeOf(path, base, { transform, labels: classNames, seed: settings.seed });
    run = await TrainingRun.open(
      { directory, data, recipe, policy, identity: base.identity },
      stateOf(base, classNames),
      settings,
      options,
    );
    const completed = await run.complete(options);
    const metadata = await writeBest(path, run.bestFile, recipe);
    return {
      ...{ path, metadata, epochs: run.epochs, bestEpoch: run.bestEpoch },
      ...{ completed, waiting: run.waiting },
      evaluation: completed ? await evaluateFile(path, metadata, data, options) : undefined,
    };
  } finally {
    await run?.close();
    await base.state.close();
  }
}

/** Judges the file that was written. */
async function evaluateFile(
  path: string,
  metadata: ModelMetadata,
  { validation, unreadable, unlabeled }: TrainingData,
  options: FinetuneOptions,
): Promise<Evaluation | undefined> {
  const { set, indices } = validation;
  if (indices.length === 0) return undefined;
  const startTime = performance.now();
  const module = await ScriptModule.load(path, { device: 'cpu', threads: options.threads });
  const results = await judge(module, set, indices, options, () => undefined);
  const seconds = (performance.now() - startTime) / 1000;
  return summarize(metadata, classesOf(metadata), results, {
    ...{ unreadable, unlabeled, excluded: [] },
    ...{ views: 'center', temperature: 1, throughput: results.length / seconds },
  });
}
