import type { ImageClass } from '../models';
import { isCorrect, type PictureResult } from './picture-result';

/** How well a model recognizes one class. */
export interface ClassScores {
  readonly class: ImageClass;
  /** The number of its images. */
  readonly images: number;
  /** The number of images for which it was the most probable class. */
  readonly predicted: number;
  readonly correct: number;
  /** `correct / predicted`, 0 to 1; NaN if it was never predicted. */
  readonly precision: number;
  /** `correct / images`, 0 to 1; NaN without images. */
  readonly recall: number;
  /** The harmonic mean of precision and recall, 0 to 1; NaN without images and predictions. */
  readonly f1: number;
}

/** Images of a class that were taken for another class. */
export interface Confusion {
  readonly class: ImageClass;
  readonly predicted: ImageClass;
  /** The names of the images. */
  readonly images: readonly string[];
}

/** The scores of the classes that have images or were predicted. */
export function scoreClasses(
  results: readonly PictureResult[],
  classes: readonly ImageClass[],
): ClassScores[] {
  const counts = classes.map(() => ({ images: 0, predicted: 0, correct: 0 }));
  for (const result of results) {
    const actual = counts[classOf(result)]!;
    actual.images++;
    counts[result.classes[0]!]!.predicted++;
    if (isCorrect(result, 1)) actual.correct++;
  }
  return counts
    .map(({ images, predicted, correct }, index) => ({
      ...{ class: classes[index]!, images, predicted, correct },
      precision: correct / predicted,
      recall: correct / images,
      f1: (2 * correct) / (images + predicted),
    }))
    .filter(({ images, predicted }) => images + predicted > 0);
}

/** The pairs of classes that were confused, those of most images first. */
export function findConfusions(
  results: readonly PictureResult[],
  classes: readonly ImageClass[],
): Confusion[] {
  const pairs = new Map<number, string[]>();
  for (const result of results) {
    if (isCorrect(result, 1)) continue;
    const key = classOf(result) * classes.length + result.classes[0]!;
    const names = pairs.get(key);
    if (names) names.push(result.name);
    else pairs.set(key, [result.name]);
  }
  return [...pairs]
    .map(([key, images]) => ({
      class: classes[Math.floor(key / classes.length)]!,
      predicted: classes[key % classes.length]!,
      images,
    }))
    .toSorted((a, b) => b.images.length - a.images.length);
}

/** The class that an image counts for. Of several right ones, that which was recognized, or else the first. */
function classOf({ labels, classes }: PictureResult): number {
  return labels.includes(classes[0]!) ? classes[0]! : labels[0]!;
}
