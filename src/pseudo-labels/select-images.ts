import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { runInSlices } from '../checkpoint/slices';
import { checkPath } from '../options';
import { unusableScores } from './errors';
import { ScoreFile } from './score-file';
import {
  checkSelectOptions,
  completeRule,
  type SelectOptions,
  type SelectionRule,
} from './select-options';
import type { Selection } from './selection';
import { Selector } from './selector';
import { scoringDifference, shardName, shardOf, type Scoring } from './shard-info';
import { writeSelection } from './write-selection';

/**
 * Selects, for each class, the images of a pool that a teacher gives the highest scores, to train a student on: "Data
 * selection and labeling" in Yalniz et al., "Billion-scale semi-supervised learning for image classification" (2019,
 * https://arxiv.org/abs/1905.00546). Only the best `classesPerImage` classes of an image count. `balanced: false` selects
 * the highest scores of all classes instead, for comparison: the paper recommends a balanced distribution of the
 * inferred labels.
 *
 * The result depends on the scores alone, not on how they are divided into files, nor on their order. Files are read in
 * parts. Memory is 12 bytes for each pair of image and class that may be selected, and what `Selection` takes.
 *
 * @param scores the directory that `scorePool` wrote, whose shards must be complete, or some of its files; or several
 *   of these
 * @throws TrainingError if there are no scores, a shard is missing or damaged, shards are of different models or
 *   options, or `out` cannot be written
 * @throws DatasetError if an image has two scores for one class, as when its shard is passed twice
 * @throws OptionError if an option is unknown or has an invalid value
 */
export async function selectImages(
  scores: string | readonly string[],
  options: SelectOptions,
): Promise<Selection> {
  checkSelectOptions(options);
  const paths = typeof scores === 'string' ? [scores] : scores;
  for (const path of paths) checkPath('scores', path);
  const { signal, onProgress, out } = options;
  const files = (await Promise.all(paths.map(filesOf))).flat();
  const { scoring, total } = await checkFiles(files, options);
  const rule = completeRule(options, scoring.conditions.classesPerImage);
  const selector = new Selector(scoring, rule, total);
  const startTime = performance.now();
  let done = 0;
  for (const path of files) {
    for await (const count of addFile(selector, path, rule)) {
      signal?.throwIfAborted();
      done += count;
      const rate = (1000 * done) / (performance.now() - startTime);
      onProgress?.({ done, total, rate });
    }
  }
  const selection = await runInSlices(selector.finish());
  signal?.throwIfAborted();
  if (out !== undefined) await writeSelection(selection, resolve(out), signal);
  return selection;
}

/** Adds the scores of a file, and returns the number of images of each part. */
async function* addFile(
  selector: Selector,
  path: string,
  { classesPerImage }: SelectionRule,
): AsyncGenerator<number> {
  const file = await ScoreFile.open(path);
  try {
    for await (const rows of file.groups(classesPerImage)) {
      // What was just decoded took a slice of time of its own.
      await setImmediate();
      await runInSlices(selector.add(rows));
      yield rows.images.length;
    }
  } finally {
    await file.close();
  }
}

/** The score files of a directory, which must be complete, or a file. @throws TrainingError if some are missing */
async function filesOf(path: string): Promise<string[]> {
  const isDirectory = await stat(path).then(
    (stats) => stats.isDirectory(),
    (cause: unknown) => {
      throw unusableScores(path, 'it does not exist', cause);
    },
  );
  if (!isDirectory) return [resolve(path)];
  const shards = (await readdir(path)).flatMap((name) => shardOf(name) ?? []);
  const files = shards
    .toSorted((a, b) => a - b)
    .map((shard) => join(resolve(path), shardName(shard)));
  if (files.length === 0) throw unusableScores(path, 'the directory has no score files');
  const missing = files.findIndex((file, i) => file !== join(resolve(path), shardName(i)));
  if (missing >= 0) throw unusableScores(join(path, shardName(missing)), 'the shard is missing');
  const last = await ScoreFile.open(files.at(-1)!);
  await last.close();
  if (last.info.isLast) return files;
  throw unusableScores(join(path, shardName(files.length)), 'the shard is missing');
}

interface CheckedFiles {
  readonly scoring: Scoring;
  /** The images with scores. */
  readonly total: number;
}

/** @throws TrainingError if the files are damaged, or their scores not comparable */
async function checkFiles(
  files: readonly string[],
  { signal }: SelectOptions,
): Promise<CheckedFiles> {
  let scoring: Scoring | undefined;
  let total = 0;
  for (const path of files) {
    signal?.throwIfAborted();
    const file = await ScoreFile.open(path);
    await file.close();
    scoring ??= file.info.scoring;
    const difference = scoringDifference(scoring, file.info.scoring);
    if (difference !== undefined) {
      throw unusableScores(
        path,
        `its scores cannot be compared with those of the other files: ${difference}`,
      );
    }
    total += file.rows;
  }
  if (!scoring || total === 0) throw unusableScores(files[0] ?? '', 'there are none');
  return { scoring, total };
}
