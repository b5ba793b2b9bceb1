import type { DType } from '../types';
import { TensorError } from '../errors';
import { invalidValue } from '../options';
import {
  allocateTypedArray,
  classOfTypedArray,
  entriesPerElement,
  toTypedArray,
  type TypedArrayOf,
} from './tensor-data';

/** NumPy's limit, which some operators of LibTorch share. */
export const maxDimensions = 64;

/**
 * Measures nested arrays along the first entry of each level, as PyTorch does.
 *
 * @returns the length of each level, none if `data` is not an array; and the first innermost array, which
 *   determines the dtype
 * @throws OptionError if there are more than 64 levels
 */
export function measureNested(data: unknown): { lengths: number[]; first: unknown } {
  const lengths: number[] = [];
  let first = data;
  for (let array = data; isArrayOrTypedArray(array); array = (array as unknown[])[0]) {
    if (lengths.length === maxDimensions) {
      throw invalidValue('the data of a tensor', `at most ${maxDimensions} levels of arrays`, data);
    }
    lengths.push(array.length);
    first = array;
    if (!Array.isArray(array)) break;
  }
  return { lengths, first };
}

/**
 * The shape of a tensor with data of these lengths. The innermost arrays of nested data of a complex tensor
 * are pairs of a real and an imaginary part; other data hold these in turn.
 *
 * @throws TensorError if a part is missing
 */
export function inferShape(lengths: readonly number[], dtype: DType): number[] {
  if (entriesPerElement(dtype) === 1) return [...lengths];
  const outer = lengths.slice(0, -1);
  const last = lengths.at(-1)!;
  const isFlat = outer.length === 0;
  if (isFlat && last % 2 === 0) return [last / 2];
  if (!isFlat && last === 2) return outer;
  throw new TensorError('ERR_SEMISUP_TENSOR', {
    what: `Expected the real and the imaginary part of each element of a ${dtype} tensor, but received ${isFlat ? '' : 'arrays of '}${last} numbers.`,
    remedy: 'Pass [re, im, re, im, …], or nested arrays whose innermost ones are [re, im].',
    value: last,
  });
}

/**
 * Returns nested arrays, row-major, as the typed array of a dtype.
 *
 * @throws OptionError if the arrays of a level differ in length, or as `toTypedArray`
 * @throws TensorError as `toTypedArray`
 */
export function flattenNested(
  data: unknown,
  lengths: readonly number[],
  dtype: DType,
): TypedArrayOf[DType] {
  if (lengths.length < 2) return toTypedArray(data, dtype);
  const entries = lengths.reduce((product, length) => product * length, 1);
  const flat = allocateTypedArray(dtype, entries);
  let end = 0;
  const copy = (array: unknown, level: number, path: string): void => {
    const isInnermost = level === lengths.length - 1;
    const isOfKind = isInnermost ? isArrayOrTypedArray(array) : Array.isArray(array);
    if (!isOfKind || (array as unknown[]).length !== lengths[level]) {
      const model = `data${'[0]'.repeat(level)}`;
      throw invalidValue(
        `data${path}`,
        `an array of ${lengths[level]}, the length of ${model},`,
        array,
        'Pass nested arrays of equal lengths.',
      );
    }
    if (isInnermost) {
      const row = toTypedArray(array, dtype, path);
      // The types of numbers and bigints do not overlap, but both have `dtype`.
      (flat as Float32Array).set(row as Float32Array, end);
      end += row.length;
      return;
    }
    for (const [i, inner] of (array as unknown[]).entries())
      copy(inner, level + 1, `${path}[${i}]`);
  };
  copy(data, 0, '');
  return flat;
}

function isArrayOrTypedArray(value: unknown): value is { readonly length: number } {
  return Array.isArray(value) || classOfTypedArray(value) !== undefined;
}
