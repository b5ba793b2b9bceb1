import type { Dataset, Sample, SamplesOptions } from '../dataset';

/** An image to train on, and its labels: none, one, or several. */
export interface LabeledSample extends Omit<Sample, 'label'> {
  readonly labels: readonly string[];
}

/** Images to train on. */
export interface TrainingSource extends Pick<Dataset, 'name' | 'size' | 'emptyClasses'> {
  samples(options?: SamplesOptions): AsyncIterable<LabeledSample>;
}

/** The images of a dataset, which have one label each. */
export function sourceOf(dataset: Dataset): TrainingSource {
  return {
    ...{ name: dataset.name, size: dataset.size, emptyClasses: dataset.emptyClasses },
    async *samples(options) {
      for await (const { label, ...sample } of dataset.samples(options)) {
        yield { ...sample, labels: label === undefined ? [] : [label] };
      }
    },
  };
}
