import { checkOptionNames, checkSignal, invalidArgument, invalidValue } from '../options';
import type {
  DuplicatesOptions,
  ImageIndexOpenOptions,
  ImageIndexOptions,
  SaveOptions,
  SearchOptions,
} from './types';

/** The largest number of dimensions of an index. */
export const maxDimensions = 65_536;

/** The largest number of neighbors: more than an index can have. */
const maxTopk = 2 ** 31 - 1;

const defaults = { topk: 10, threshold: 0.95 };

/** @throws OptionError if an option is unknown or has an invalid value */
export function checkCreateOptions(options: ImageIndexOptions): void {
  checkOptionNames(options, ['dimensions', 'precision', 'model', 'threads'], 'ImageIndex.create');
  const { dimensions, precision, model } = options ?? {};
  if (!isInteger(dimensions, 1, maxDimensions)) {
    throw invalidArgument('dimensions', `an integer from 1 to ${maxDimensions}`, dimensions);
  }
  if (![undefined, 'float32', 'bfloat16'].includes(precision)) {
    throw invalidValue('precision', `'float32' or 'bfloat16'`, precision);
  }
  if (model !== undefined && typeof model !== 'string') {
    throw invalidValue('model', 'a string', model);
  }
}

/** @throws OptionError if an option is unknown or has an invalid value */
export function checkOpenOptions(options: ImageIndexOpenOptions): void {
  checkOptionNames(options, ['threads', 'signal'], 'ImageIndex.open');
  checkSignal(options.signal);
}

/** @throws OptionError if an option is unknown or has an invalid value */
export function completeSearchOptions(options: SearchOptions): {
  readonly topk: number;
  readonly signal: AbortSignal | undefined;
} {
  checkOptionNames(options, ['topk', 'signal'], 'search');
  const { topk = defaults.topk, signal } = options;
  checkSignal(signal);
  if (!isInteger(topk, 1, maxTopk)) throw invalidValue('topk', 'a positive integer', topk);
  return { topk, signal };
}

/** @throws OptionError if an option is unknown or has an invalid value */
export function completeDuplicatesOptions(
  options: DuplicatesOptions,
): DuplicatesOptions & { readonly threshold: number } {
  checkOptionNames(options, ['threshold', 'signal', 'onProgress'], 'duplicates');
  const { threshold = defaults.threshold, signal, onProgress } = options;
  checkSignal(signal);
  if (typeof threshold !== 'number' || !(threshold >= 0 && threshold <= 1)) {
    throw invalidValue('threshold', 'a number from 0 to 1', threshold);
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidValue('onProgress', 'a function', onProgress);
  }
  return { threshold, signal, onProgress };
}

/** @throws OptionError if an option is unknown or has an invalid value */
export function checkSaveOptions(options: SaveOptions): void {
  checkOptionNames(options, ['signal'], 'save');
  checkSignal(options.signal);
}

function isInteger(value: unknown, low: number, high: number): value is number {
  return Number.isInteger(value) && (value as number) >= low && (value as number) <= high;
}
