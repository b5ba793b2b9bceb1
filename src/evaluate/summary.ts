import type { Evaluation } from './evaluation';

/** An evaluation as JSON, without the results of the images: undefined numbers are null. */
export function summaryOf(evaluation: Evaluation): object {
  const { metadata, results, classes, confusions, ...rest } = evaluation;
  return {
    model: metadata.name,
    images: results.length,
    ...rest,
    transform: metadata.transform,
    classes: classes.map(({ class: { index, wnid, label }, ...scores }) => ({
      ...{ index, wnid, label },
      ...scores,
    })),
    confusions: confusions.map((one) => ({
      class: one.class.index,
      predicted: one.predicted.index,
      images: one.images,
    })),
  };
}
