import { calibrate, summarize, toAnswer, type PictureResult } from '../evaluate';
import type { Photo, PhotoList } from '../learning';
import { classesOf, type ModelMetadata } from '../models';
import type { EmbeddingRun } from './embed-photos';
import type { FittedHead } from './fit-head';
import { findLabelIssues } from './label-issues';
import type { TaughtModel } from './taught-model';

/** The metrics of the cross-validation. */
export function judge(
  metadata: ModelMetadata,
  { logits, temperature }: FittedHead,
  { photos, labels }: { readonly photos: readonly Photo[]; readonly labels: readonly number[] },
  { unreadable, unlabeled, run }: PhotoList & { readonly run: EmbeddingRun },
): Pick<TaughtModel, 'evaluation' | 'uncalibratedEce' | 'labelIssues'> {
  const classes = classesOf(metadata);
  const answers = (divisor: number) =>
    photos.map(({ name }, i): PictureResult => {
      const row = Float32Array.from(logits.subarray(i * classes.length, (i + 1) * classes.length));
      return { name, ...toAnswer([labels[i]!], row, undefined, divisor) };
    });
  const evaluation = summarize(metadata, classes, answers(temperature), {
    ...{ unreadable: [...unreadable, ...run.unreadable], unlabeled, excluded: [] },
    ...{ views: 'center', temperature, throughput: run.computed / run.seconds },
  });
  const names = photos.map(({ name }) => name);
  const classNames = classes.map(({ label }) => label);
  const probabilities = softmax(logits, classes.length, temperature);
  return {
    evaluation,
    uncalibratedEce: calibrate(answers(1)).ece,
    labelIssues: findLabelIssues(probabilities, labels, names, classNames),
  };
}

function softmax(logits: Float64Array, classes: number, temperature: number): Float64Array {
  const probabilities = new Float64Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    const maximum = row.reduce((a, b) => Math.max(a, b));
    const exponentials = row.map((logit) => Math.exp((logit - maximum) / temperature));
    const sum = exponentials.reduce((a, b) => a + b);
    probabilities.set(
      exponentials.map((one) => one / sum),
      start,
    );
  }
  return probabilities;
}
