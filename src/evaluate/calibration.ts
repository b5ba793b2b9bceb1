import { isCorrect, type PictureResult } from './picture-result';

/** The images whose most probable class has a score in a range. */
export interface CalibrationBin {
  /** Exclusive, but for the first bin. */
  readonly lower: number;
  /** Inclusive. */
  readonly upper: number;
  readonly count: number;
  /** The mean score of their most probable class, 0 to 1; NaN without images. */
  readonly confidence: number;
  /** The share of them that is right, 0 to 1; NaN without images. */
  readonly accuracy: number;
}

/** How far the scores of a model agree with how often it is right. */
export interface Calibration {
  /** The expected calibration error: the mean of |confidence - accuracy| over the images, 0 to 1. */
  readonly ece: number;
  readonly bins: readonly CalibrationBin[];
}

/** As many as in the paper. */
const binCount = 15;

/** The calibration by bins of equal width (Guo et al., "On Calibration of Modern Neural Networks", 2017). */
export function calibrate(results: readonly PictureResult[]): Calibration {
  const sums = Array.from({ length: binCount }, () => ({ count: 0, score: 0, correct: 0 }));
  for (const result of results) {
    const score = result.scores[0]!;
    const bin = sums[Math.min(Math.max(Math.ceil(score * binCount) - 1, 0), binCount - 1)]!;
    bin.count++;
    bin.score += score;
    if (isCorrect(result, 1)) bin.correct++;
  }
  const gap = sums.reduce((sum, { score, correct }) => sum + Math.abs(score - correct), 0);
  return {
    ece: gap / results.length,
    bins: sums.map(({ count, score, correct }, i) => ({
      lower: i / binCount,
      upper: (i + 1) / binCount,
      count,
      confidence: score / count,
      accuracy: correct / count,
    })),
  };
}
