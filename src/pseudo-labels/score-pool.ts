import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Classifier } from '../classify';
import type { Dataset } from '../dataset';
import { rejectOnAbort } from '../native';
import { withLock } from '../net/lock';
import { writeError } from './errors';
import { Pool } from './pool';
import { completeScorePoolOptions, type ScorePoolOptions } from './score-options';
import type { ScoredPool } from './scoring-run';

/**
 * Predicts the classes of a pool of unlabeled images with a teacher, and writes the most probable ones of each image
 * with their softmax: the first step of Yalniz et al., "Billion-scale semi-supervised learning for image
 * classification" (2019, https://arxiv.org/abs/1905.00546). `selectImages` is the second.
 *
 * Writes files of Apache Parquet (`score-00000.parquet`, …) with a row for each image: `image` (its name within the
 * dataset; if there are several datasets, after the last component of the path of its own), `class_1` to `class_P`
 * (int32) and `score_1` to `score_P` (float32), best first. Each file has `imagesPerShard` images of the pool in its
 * order, and is renamed to its name when it is complete: a run that was interrupted computes those that are missing.
 * They are the same as without an interruption, bit for bit, if the model runs the same plan.
 *
 * Images are decoded on the CPU in their full size, with the default limits. Those that cannot be read are left out and
 * listed; labels are ignored. Memory is bounded, but for the images that could not be read.
 *
 * @param pool one or several datasets of `openDataset`; its option `labels: false` opens images without labels
 * @throws TrainingError if `out` has the scores of other weights, images or options, a file there is damaged, or one
 *   cannot be written
 * @throws DatasetError if there are no images, or an archive is damaged
 * @throws OptionError if an option is unknown or has an invalid value, or paths of datasets end in the same name
 */
export async function scorePool(
  model: Classifier,
  pool: Dataset | readonly Dataset[],
  options: ScorePoolOptions,
): Promise<ScoredPool> {
  const settings = completeScorePoolOptions(options, model.classes.length);
  const images = new Pool(pool);
  const directory = resolve(options.out);
  const lock = join(directory, 'lock');
  // A tuned plan that replaces the first one in between would change scores in their last digits.
  await rejectOnAbort(options.signal, model.whenTuned());
  await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    throw writeError(directory, cause);
  });
  // Loaded on first use, with what writes files.
  const { ScoringRun } = require('./scoring-run') as typeof import('./scoring-run');
  const score = (signal: AbortSignal) =>
    new ScoringRun(model, images, directory, settings, { ...options, signal }).complete();
  return await withLock(lock, score, {
    signal: options.signal,
    toError: (error) => writeError(lock, error),
  });
}
