/** The two-sided 95 % quantile of the standard normal distribution. */
const z = 1.959963984540054;

/** A share of a count, with its uncertainty. */
export interface Proportion {
  readonly correct: number;
  readonly total: number;
  /** `correct / total`, 0 to 1; NaN for a total of 0. */
  readonly share: number;
  /** The 95 % confidence interval by Wilson's score (Wilson, 1927). */
  readonly interval: readonly [number, number];
}

/** A proportion with Wilson's score interval. */
export function proportion(correct: number, total: number): Proportion {
  const share = correct / total;
  const scale = 1 + z ** 2 / total;
  const center = (share + z ** 2 / (2 * total)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / total + z ** 2 / (4 * total ** 2));
  // Without rounding, the bounds of 0 and of 1 are 0 and 1.
  const interval = [
    correct === 0 ? 0 : center - half,
    correct === total ? 1 : center + half,
  ] as const;
  return { correct, total, share, interval };
}

/** McNemar's test for the difference of two models on the same images. */
export interface McNemar {
  /** The images that only the first model classified correctly. */
  readonly onlyFirst: number;
  /** The images that only the second model classified correctly. */
  readonly onlySecond: number;
  /** The exact two-sided p-value: how probable such a difference is between models of equal accuracy. */
  readonly pValue: number;
}

/** McNemar's exact test (McNemar, 1947), by the binomial distribution of the images on which two models differ. */
export function mcnemarTest(onlyFirst: number, onlySecond: number): McNemar {
  const total = onlyFirst + onlySecond;
  // The logarithm of binomial(total, k) / 2^total, from k - 1 to k.
  let logarithm = -total * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= Math.min(onlyFirst, onlySecond); k++) {
    if (k > 0) logarithm += Math.log((total - k + 1) / k);
    tail += Math.exp(logarithm);
  }
  return { onlyFirst, onlySecond, pValue: Math.min(1, 2 * tail) };
}
