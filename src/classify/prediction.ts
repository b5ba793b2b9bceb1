import type { ImageClass } from '../models';

/** One class that an image may show. */
export interface Prediction {
  /** The index of the class in the model's output. */
  readonly index: number;
  /** The WordNet ID of the class, e.g. `n02099712`; empty if it has none. */
  readonly wnid: string;
  /** The name of the class, e.g. `Labrador retriever`. */
  readonly label: string;
  /** The softmax probability, 0 to 1. */
  readonly score: number;
}

/** The duration of each step in milliseconds; images of one batch share those of transform and forward. */
export interface Timings {
  readonly decode: number;
  readonly transform: number;
  readonly forward: number;
}

/** The predictions for an image, and the duration of each step. */
export interface DetailedResult {
  /** The `topk` most probable classes, best first. */
  readonly predictions: Prediction[];
  readonly timings: Timings;
}

/** Returns the predictions for each of n images, from class indices and probabilities [n, k]. */
export function toPredictions(
  best: { indices: Int32Array; probabilities: Float32Array },
  k: number,
  classes: readonly ImageClass[],
): Prediction[][] {
  const results: Prediction[][] = [];
  for (let start = 0; start < best.indices.length; start += k) {
    const predictions: Prediction[] = [];
    for (let i = start; i < start + k; i++) {
      const index = best.indices[i]!;
      const { wnid, label } = classes[index]!;
      predictions.push({ index, wnid, label, score: best.probabilities[i]! });
    }
    results.push(predictions);
  }
  return results;
}
