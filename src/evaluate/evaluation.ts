import { countParameters, type ImageClass, type ModelMetadata } from '../models';
import type { Views } from '../types';
import { calibrate, type Calibration } from './calibration';
import { findConfusions, scoreClasses, type ClassScores, type Confusion } from './confusion';
import { isCorrect, type PictureResult } from './picture-result';
import { mcnemarTest, proportion, type McNemar, type Proportion } from './statistics';

/** An image that could not be read. */
export interface UnreadableImage {
  readonly name: string;
  readonly code: string;
  readonly message: string;
}

/** The images of a dataset that do not count. */
export interface LeftOut {
  /** Those that are missing, corrupt or exceed a limit. */
  readonly unreadable: readonly UnreadableImage[];
  /** The names of those without a label. */
  readonly unlabeled: readonly string[];
  /** The names of those without a right class: in ImageNet-ReaL, or with `validLabels`. */
  readonly excluded: readonly string[];
}

/** The accuracy of a model on a dataset. */
export interface Evaluation extends LeftOut {
  readonly metadata: ModelMetadata;
  /** What the model saw of each image. */
  readonly views: Views;
  /** The divisor of the logits before softmax. */
  readonly temperature: number;
  /** The number of the model's parameters; undefined for a model of your own. */
  readonly parameters: number | undefined;
  /** The result of each image, in the order of the dataset. */
  readonly results: readonly PictureResult[];
  readonly top1: Proportion;
  readonly top5: Proportion;
  /** The mean negative log-likelihood of the right classes, in nats. */
  readonly nll: number;
  readonly calibration: Calibration;
  /** The scores of the classes that have images or were predicted. */
  readonly classes: readonly ClassScores[];
  /** The means of precision, recall and F1 over the classes that have images; an undefined precision counts as 0. */
  readonly macro: Readonly<Record<'precision' | 'recall' | 'f1', number>>;
  /** The pairs of classes that were confused, those of most images first. */
  readonly confusions: readonly Confusion[];
  /** Images per second of the whole evaluation, with all models; NaN if all results were in the file of results already. */
  readonly throughput: number;
}

/** Computes the metrics of results. */
export function summarize(
  metadata: ModelMetadata,
  classes: readonly ImageClass[],
  results: readonly PictureResult[],
  more: LeftOut & Pick<Evaluation, 'views' | 'temperature' | 'throughput'>,
): Evaluation {
  const count = (k: number) => results.filter((result) => isCorrect(result, k)).length;
  const scores = scoreClasses(results, classes);
  const present = scores.filter(({ images }) => images > 0);
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + (Number.isNaN(value) ? 0 : value), 0) / values.length;
  return {
    ...more,
    metadata,
    parameters: countParameters(metadata),
    results,
    top1: proportion(count(1), results.length),
    top5: proportion(count(5), results.length),
    nll: mean(results.map(({ nll }) => nll)),
    calibration: calibrate(results),
    classes: scores,
    macro: {
      precision: mean(present.map(({ precision }) => precision)),
      recall: mean(present.map(({ recall }) => recall)),
      f1: mean(present.map(({ f1 }) => f1)),
    },
    confusions: findConfusions(results, classes),
  };
}

/** Whether two models differ in their top-1 accuracy on the images that both have results for. */
export function compareEvaluations(first: Evaluation, second: Evaluation): McNemar {
  const others = new Map(second.results.map((result) => [result.name, isCorrect(result, 1)]));
  let onlyFirst = 0;
  let onlySecond = 0;
  for (const result of first.results) {
    const other = others.get(result.name);
    if (other === undefined) continue;
    const own = isCorrect(result, 1);
    if (own && !other) onlyFirst++;
    if (!own && other) onlySecond++;
  }
  return mcnemarTest(onlyFirst, onlySecond);
}
