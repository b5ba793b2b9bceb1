import { Classifier, type Model } from '../classify';
import type { Dataset } from '../dataset';
import { EvaluationError } from '../errors';
import { checkOptionNames, invalidValue } from '../options';
import type { SwapContext } from '../slot';
import { evaluate } from './evaluate';
import type { TargetOptions } from './targets';

/** Options of `accuracyOn`: at least one of `atLeast` and `orDrop`. */
export interface AccuracyOptions extends TargetOptions {
  /** The top-1 accuracy that suffices, 0 to 1. */
  readonly atLeast?: number;
  /**
   * How far the top-1 accuracy may be below that of the active model, 0 to 1. With `atLeast`, a model passes that fulfills
   * either of the two.
   */
  readonly orDrop?: number;
}

/**
 * A `check` for `ModelSlot.swap`, which rejects a model that is not accurate enough on labeled images:
 * `slot.swap(file, { check: accuracyOn('val/', { atLeast: 0.9, orDrop: 0.01 }) })`. The accuracy of the active model
 * is measured once.
 *
 * @param dataset of `openDataset`, or the path of one
 * @throws OptionError if an option is unknown or has an invalid value. The check itself throws an `EvaluationError`, and
 *   the errors of `evaluate`
 */
export function accuracyOn(
  dataset: Dataset | string,
  options: AccuracyOptions,
): (model: Model, context: SwapContext) => Promise<void> {
  const names = ['atLeast', 'orDrop', 'classMap', 'realLabels', 'validLabels'];
  checkOptionNames(options, names, 'accuracyOn');
  const { atLeast, orDrop, ...targets } = options;
  checkShare('atLeast', atLeast);
  checkShare('orDrop', orDrop);
  if (atLeast === undefined && orDrop === undefined) {
    throw invalidValue('accuracyOn', 'atLeast or orDrop', options, 'Pass at least one of them.');
  }
  const known = new WeakMap<Model, number>();
  const measure = async (model: Model, signal: AbortSignal) => {
    const accuracy = known.get(model) ?? (await topOne(model, dataset, targets, signal));
    known.set(model, accuracy);
    return accuracy;
  };
  return async (model, { current, signal }) => {
    const accuracy = await measure(model, signal);
    if (atLeast !== undefined && accuracy >= atLeast) return;
    if (orDrop === undefined) throw inaccurate(accuracy, dataset, [sufficient(atLeast!)]);
    const before = await measure(current, signal);
    // The shares of 81 and 80 of 100 images differ by a little more than 0.01 in binary.
    if (before - accuracy <= orDrop + Number.EPSILON) return;
    const drop = `at most ${percent(orDrop)} below the active model's ${percent(before)}`;
    throw inaccurate(accuracy, dataset, [
      ...(atLeast === undefined ? [] : [sufficient(atLeast)]),
      drop,
    ]);
  };
}

async function topOne(
  model: Model,
  dataset: Dataset | string,
  targets: TargetOptions,
  signal: AbortSignal,
): Promise<number> {
  if (model instanceof Classifier) {
    return (await evaluate(model, dataset, { ...targets, signal })).top1.share;
  }
  throw new EvaluationError('ERR_SEMISUP_EVALUATION_ACCURACY', {
    what: 'A TorchScript module has no classes, so that its accuracy cannot be measured.',
    remedy: 'Open it with Classifier.open().',
  });
}

function checkShare(name: string, value: number | undefined): void {
  if (value === undefined || (value >= 0 && value <= 1)) return;
  throw invalidValue(name, 'a number from 0 to 1', value);
}

function sufficient(atLeast: number): string {
  return `at least ${percent(atLeast)}`;
}

function inaccurate(
  accuracy: number,
  dataset: Dataset | string,
  required: readonly string[],
): EvaluationError {
  const name = typeof dataset === 'string' ? dataset : dataset.name;
  return new EvaluationError('ERR_SEMISUP_EVALUATION_ACCURACY', {
    what: `Its top-1 accuracy on ${name} is ${percent(accuracy)}, and not ${required.join(' or ')}.`,
    remedy: 'Correct the model.',
    value: accuracy,
  });
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(2))} %`;
}
