/** The largest difference between two arrays of logits, relative to the reference's largest logit. */
export function difference(logits, reference) {
  let maxDifference = 0;
  let largest = 0;
  for (let i = 0; i < reference.length; i++) {
    maxDifference = Math.max(maxDifference, Math.abs(logits[i] - reference[i]));
    largest = Math.max(largest, Math.abs(reference[i]));
  }
  return maxDifference / largest;
}

/** Pearson's correlation coefficient of two arrays. */
export function correlation(a, b) {
  const centered = (values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  };
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  const [x, y] = [centered(a), centered(b)];
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}
