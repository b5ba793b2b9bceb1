import { setImmediate } from 'node:timers/promises';
import { ProgressMeter } from '../learning';
import { Tensor } from '../native';
import { LogisticRegression } from '../torch';
import { calibrateTemperature } from './calibrate-temperature';
import { crossValidate, weightsOf, type RegularizationScore, type Samples } from './cross-validate';
import type { TeachOptions } from './teach-options';
import type { Head } from './write-model';

/** A last layer, and how it was found. */
export interface FittedHead extends Head {
  readonly c: number;
  readonly scores: readonly RegularizationScore[];
  readonly temperature: number;
  /** By cross-validation, before they are divided by the temperature: [n, classes]. */
  readonly logits: Float64Array;
  readonly seconds: number;
}

/**
 * Fits a last layer: selects the regularization and the temperature by cross-validation, then fits all samples. The
 * features are not scaled: measured, neither standardized nor normalized ones are recognized better (docs/teach.md).
 *
 * @param features [n, d]
 * @throws `signal.reason` after an abort
 */
export async function fitHead(
  features: Float32Array,
  samples: Samples,
  { c, threads, onProgress, signal }: TeachOptions,
): Promise<FittedHead> {
  const { labels, classes } = samples;
  const meter = new ProgressMeter(undefined, (counts) => {
    onProgress?.({ phase: 'solve', ...counts });
  });
  const regression = await LogisticRegression.open(
    Tensor.from(features, [labels.length, features.length / labels.length]),
    Tensor.from(BigInt64Array.from(labels, BigInt)),
    classes,
    { threads, signal },
  );
  try {
    const onFit = () => {
      meter.add(1);
    };
    const selected = await crossValidate(regression, samples, c, { onFit, signal });
    const weights = weightsOf(samples);
    const { logits } = selected;
    const temperature = await calibrateTemperature(logits, labels, weights, signal);
    const sampleWeights = Tensor.from(weights);
    const { weight, intercept } = await regression.fit({ sampleWeights, c: selected.c, signal });
    onFit();
    const scaled = (values: Float64Array) => Float32Array.from(values, (one) => one / temperature);
    // Not in one turn of the event loop with the next step.
    await setImmediate();
    return {
      weight: scaled(await weight.data()),
      bias: scaled(await intercept.data()),
      ...{ c: selected.c, scores: selected.scores, temperature, logits },
      seconds: meter.seconds,
    };
  } finally {
    await regression.close();
  }
}
