/** The answer of a model for one image. */
export interface Answer {
  /** The indices of the right classes; several with ImageNet-ReaL's labels. */
  readonly labels: readonly number[];
  /** The indices of the most probable classes, at most five, best first. */
  readonly classes: readonly number[];
  /** Their probabilities, 0 to 1. */
  readonly scores: readonly number[];
  /** The negative natural logarithm of the probability of the right classes. */
  readonly nll: number;
}

/** The answer of a model for one image of a dataset. */
export interface PictureResult extends Answer {
  /** The name of the image within the dataset. */
  readonly name: string;
}

/** The number of classes that an answer has. */
const topk = 5;

/**
 * The answer: the softmax over the logits of the valid classes, in float64.
 *
 * @param valid the indices of the classes that count; all by default
 * @param temperature divides the logits before softmax
 */
export function toAnswer(
  labels: readonly number[],
  logits: Float32Array,
  valid?: readonly number[],
  temperature = 1,
): Answer {
  const indices = valid ?? Array.from(logits.keys());
  const best = mostProbable(logits, indices);
  const maximum = logits[best[0]!]!;
  const exponent = (index: number) => (logits[index]! - maximum) / temperature;
  let sum = 0;
  for (const index of indices) sum += Math.exp(exponent(index));
  const right = labels.reduce((total, index) => total + Math.exp(exponent(index)), 0);
  return {
    labels,
    classes: best,
    scores: best.map((index) => Math.exp(exponent(index)) / sum),
    // The difference of logits, because the exponential of a very improbable class is 0.
    nll: Math.log(sum) - (right > 0 ? Math.log(right) : Math.max(...labels.map(exponent))),
  };
}

/** The indices with the largest logits, largest first; of equal ones the first. */
function mostProbable(logits: Float32Array, indices: readonly number[]): number[] {
  const best: number[] = [];
  for (const index of indices) {
    const value = logits[index]!;
    if (best.length === topk && !(value > logits[best[topk - 1]!]!)) continue;
    let at = best.length;
    while (at > 0 && value > logits[best[at - 1]!]!) at--;
    best.splice(at, 0, index);
    if (best.length > topk) best.pop();
  }
  return best;
}

/** Whether one of the first `k` classes of an answer is right. */
export function isCorrect({ labels, classes }: Answer, k: number): boolean {
  return classes.slice(0, k).some((index) => labels.includes(index));
}
