import { setImmediate } from 'node:timers/promises';

/** The exponentials that are computed between yields to the event loop: a few milliseconds of work. */
const slice = 2 ** 18;

const maxSteps = 50;

/**
 * The temperature that minimizes the NLL of logits (Guo et al., "On Calibration of Modern Neural Networks", 2017), by
 * Newton's method on its inverse, in which the NLL is convex. If all predictions are right it has no minimum: so the
 * labels are smoothed as Platt did ("Probabilistic Outputs for Support Vector Machines", 1999), by 1 / (n + 2).
 *
 * @param logits [n, classes]
 * @param weights of the samples
 * @throws `signal.reason` after an abort
 */
export async function calibrateTemperature(
  logits: Float64Array,
  labels: readonly number[],
  weights: Float64Array,
  signal: AbortSignal | undefined,
): Promise<number> {
  const classes = logits.length / labels.length;
  const smoothing = 1 / (labels.length + 2);
  let inverse = 1;
  for (let step = 0; step < maxSteps; step++) {
    // The derivatives of the NLL by the inverse of the temperature.
    let slope = 0;
    let curvature = 0;
    for (const [i, label] of labels.entries()) {
      if ((i * classes) % slice < classes) {
        await setImmediate();
        signal?.throwIfAborted();
      }
      const row = logits.subarray(i * classes, (i + 1) * classes);
      const { mean, variance, average } = momentsOf(row, inverse);
      const target = (1 - smoothing) * row[label]! + smoothing * average;
      slope += weights[i]! * (mean - target);
      curvature += weights[i]! * variance;
    }
    // Equal logits do not depend on a temperature.
    if (curvature === 0) return 1;
    const next = Math.min(Math.max(inverse - slope / curvature, inverse / 4), 4 * inverse);
    const change = Math.abs(next - inverse) / next;
    inverse = next;
    if (change < 1e-12) break;
  }
  return 1 / inverse;
}

/** The mean and the variance of logits under their softmax, and their average. */
function momentsOf(
  row: Float64Array,
  inverse: number,
): { readonly mean: number; readonly variance: number; readonly average: number } {
  let maximum = -Infinity;
  let total = 0;
  for (const logit of row) {
    maximum = Math.max(maximum, logit);
    total += logit;
  }
  let sum = 0;
  let first = 0;
  let second = 0;
  for (const logit of row) {
    // Relative to the maximum, so that no digits cancel in the variance of confident answers.
    const difference = logit - maximum;
    const weight = Math.exp(inverse * difference);
    sum += weight;
    first += weight * difference;
    second += weight * difference ** 2;
  }
  const mean = first / sum;
  return {
    mean: maximum + mean,
    variance: Math.max(0, second / sum - mean ** 2),
    average: total / row.length,
  };
}
