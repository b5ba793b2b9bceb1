import type { ImageClass } from '../models';

/** One class that an image may show. */
export interface Prediction {
  /** The class's place in the model's output. */
  readonly index: number;
  /** The class's WordNet id, e.g. `n02099712`; empty where a class has none. */
  readonly wnid: string;
  /** The class's name, e.g. `Labrador retriever`. */
  readonly label: string;
  /** Probability by softmax, 0 to 1. */
  readonly score: number;
}

/** How long the steps of an answer took, in milliseconds; images of one batch share theirs. */
export interface Timings {
  readonly decode: number;
  readonly transform: number;
  readonly forward: number;
}

/** An answer with what is known of how it came about. */
export interface DetailedAnswer {
  /** The `topk` likeliest classes, best first. */
  readonly predictions: Prediction[];
  readonly timings: Timings;
}

/** The predictions of each image, from the n·k best classes and their scores. */
export function toPredictions(
  best: { indices: Int32Array; scores: Float32Array },
  k: number,
  classes: readonly ImageClass[],
): Prediction[][] {
  const answers: Prediction[][] = [];
  for (let start = 0; start < best.indices.length; start += k) {
    const predictions: Prediction[] = [];
    for (let i = start; i < start + k; i++) {
      const index = best.indices[i]!;
      const { wnid, label } = classes[index]!;
      predictions.push({ index, wnid, label, score: best.scores[i]! });
    }
    answers.push(predictions);
  }
  return answers;
}
