/** The largest difference between two arrays of logits, in parts of the reference's largest logit. */
export function difference(logits, reference) {
  let apart = 0;
  let largest = 0;
  for (let i = 0; i < reference.length; i++) {
    apart = Math.max(apart, Math.abs(logits[i] - reference[i]));
    largest = Math.max(largest, Math.abs(reference[i]));
  }
  return apart / largest;
}

/** Pearson's correlation of two arrays: 1 for the same, 0 for nothing in common. */
export function correlation(a, b) {
  const centred = (values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  };
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  const [x, y] = [centred(a), centred(b)];
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}
