import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openDataset, type Dataset } from '../dataset';
import { withLock } from '../net/lock';
import { Pool, writeError } from '../pseudo-labels';
import { checkWritable } from '../torch';
import type { SelftrainStep } from './manifest';
import { checkSelftrainOptions, type SelftrainOptions } from './selftrain-options';

/** A run of `selftrain`, or of its first steps. */
export interface SelftrainedModel {
  /** The absolute path of the TorchScript file of the student; undefined if the run ended before. */
  readonly path: string | undefined;
  /** The absolute path of the directory of the run, whose `manifest.json` has the steps. */
  readonly runDir: string;
  /** The steps up to the last one that was asked for, with the hashes of what they read and wrote, and their results. */
  readonly steps: readonly SelftrainStep[];
}

/**
 * Trains a model with unlabeled images, by the method of Yalniz et al., "Billion-scale semi-supervised learning for image
 * classification" (2019, https://arxiv.org/abs/1905.00546):
 * 1. `teacher`: a model is fine-tuned on the labeled images; with weak labels, on those before (`weak`).
 * 2. `score`: it predicts the classes of the unlabeled images (`scorePool`).
 * 3. `select`: for each class, the images with the highest scores are selected (`selectImages`).
 * 4. `pretrain`: a student is trained on them (`pretrain`).
 * 5. `finetune`: the student is fine-tuned on the labeled images alone, and written.
 *
 * The student's learning rates and their schedules are those of the paper, unless the steps have their own; epochs and
 * batches are not, because they depend on the number of images. The teacher's are those of `finetune`.
 *
 * Each step has a directory in that of the run, whose `manifest.json` says what was done, with which options, and with the
 * SHA-256 of which files. A run that was interrupted goes on with the step that is not complete, and ends with the same
 * weights as one that was not, bit for bit, on the same machine with as many threads. Images in archives that are trained on
 * are kept in memory as files.
 *
 * @param labeled the images with true labels: of `openDataset`, or the path of a dataset
 * @throws TrainingError if the directory belongs to another run, or a file cannot be written, and as the functions of the
 *   steps
 * @throws ModelError if a model is unknown, or its file does not exist
 * @throws DatasetError as `finetune` and `scorePool`, a line of the table of tags names no class, or
 *   images to judge by have another class than the labeled ones
 * @throws OptionError if an option is unknown or has an invalid value
 */
export async function selftrain(
  labeled: Dataset | string,
  options: SelftrainOptions,
): Promise<SelftrainedModel> {
  checkSelftrainOptions(options);
  const out = resolve(options.out);
  await checkWritable(out);
  const directory = resolve(options.runDir ?? `${options.out}.run`);
  const images = {
    labeled: await open(labeled),
    pool: new Pool(await openPool(options.pool)),
    weak: options.weak && (await open(options.weak.images)),
  };
  await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    throw writeError(directory, cause);
  });
  // Loaded on first use, with what writes files.
  const { runSelftraining } = require('./selftrain-run') as typeof import('./selftrain-run');
  const steps = await withLock(
    join(directory, 'lock'),
    (signal) => runSelftraining(images, directory, options, signal),
    { signal: options.signal, toError: (error) => writeError(directory, error) },
  );
  const isComplete = steps.some(({ step }) => step === 'finetune');
  return { path: isComplete ? out : undefined, runDir: directory, steps };
}

async function open(dataset: Dataset | string): Promise<Dataset> {
  return typeof dataset === 'string' ? await openDataset(dataset) : dataset;
}

async function openPool(pool: SelftrainOptions['pool']): Promise<Dataset[]> {
  const list: readonly (Dataset | string)[] = isArray(pool) ? pool : [pool];
  const datasets: Dataset[] = [];
  for (const one of list) {
    datasets.push(typeof one === 'string' ? await openDataset(one, { labels: false }) : one);
  }
  return datasets;
}

function isArray<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
