import type { Dataset } from '../dataset';
import { summarize, type Evaluation } from '../evaluate';
import { classesOf, type ModelMetadata } from '../models';
import { ScriptModule } from '../torch';
import type { FinetuneOptions } from './finetune-options';
import { judge } from './judge';
import { defaultCacheBytes, type TrainingData } from './training-data';
import { TrainingSet } from './training-set';
import { sourceOf } from './training-source';

type JudgeOptions = Pick<
  FinetuneOptions,
  'device' | 'threads' | 'orient' | 'limits' | 'cacheBytes' | 'signal'
>;

/** Judges a model that was trained. @param classes the names of its classes */
export async function evaluateModel(
  { path, metadata }: { readonly path: string; readonly metadata: ModelMetadata },
  dataset: Dataset,
  classes: readonly string[],
  options: JudgeOptions,
): Promise<Evaluation | undefined> {
  const { orient = false, limits, cacheBytes = defaultCacheBytes, signal } = options;
  const read = { orient, limits, signal, cacheBytes };
  const set = await TrainingSet.read(sourceOf(dataset), read, undefined, classes);
  const { unreadable, unlabeled } = set;
  const validation = { set, indices: [...set.images.keys()] };
  return await evaluateFile(path, metadata, { validation, unreadable, unlabeled }, options);
}

/** Judges a file by the images of a validation; undefined if there are none. */
export async function evaluateFile(
  path: string,
  metadata: ModelMetadata,
  {
    validation: { set, indices },
    unreadable,
    unlabeled,
  }: Pick<TrainingData, 'validation' | 'unreadable' | 'unlabeled'>,
  options: JudgeOptions,
): Promise<Evaluation | undefined> {
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
