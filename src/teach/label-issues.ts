/** An image whose label is probably wrong. */
export interface LabelIssue {
  /** The name of the image within the dataset. */
  readonly name: string;
  /** Its label in the dataset. */
  readonly label: string;
  /** The label that it probably has. */
  readonly suggested: string;
  /** The probability of its label, 0 to 1, by a model that did not learn from this image. */
  readonly probability: number;
  /** The probability of the suggested one, 0 to 1. */
  readonly suggestedProbability: number;
}

/**
 * Finds wrong labels by confident learning (Northcutt et al., "Confident Learning: Estimating Uncertainty in Dataset
 * Labels", 2021): images for which the probability of another class reaches the mean probability of that class over its
 * own images. Of several such classes the most probable is suggested. Those come first whose probability of the label is
 * lowest relative to the mean of their class.
 *
 * @param probabilities of each class [n, classes], by models that did not see the image
 * @returns only images for which no such class is their own
 */
export function findLabelIssues(
  probabilities: Float64Array,
  labels: readonly number[],
  names: readonly string[],
  classNames: readonly string[],
): LabelIssue[] {
  const classes = classNames.length;
  const at = (i: number, k: number) => probabilities[i * classes + k]!;
  const sums = classNames.map(() => ({ count: 0, sum: 0 }));
  for (const [i, label] of labels.entries()) {
    sums[label]!.count++;
    sums[label]!.sum += at(i, label);
  }
  const thresholds = sums.map(({ count, sum }) => sum / count);
  const issues = labels.flatMap((label, i) => {
    let suggested: number | undefined;
    for (let k = 0; k < classes; k++) {
      if (at(i, k) < thresholds[k]!) continue;
      if (suggested === undefined || at(i, k) > at(i, suggested)) suggested = k;
    }
    if (suggested === undefined || suggested === label) return [];
    const issue: LabelIssue = {
      ...{ name: names[i]!, label: classNames[label]!, suggested: classNames[suggested]! },
      ...{ probability: at(i, label), suggestedProbability: at(i, suggested) },
    };
    return [{ issue, margin: issue.probability - thresholds[label]! }];
  });
  return issues.toSorted((a, b) => a.margin - b.margin).map(({ issue }) => issue);
}
