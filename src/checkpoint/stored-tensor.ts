import { dtypeBytes, type DType } from '../types';
import { malformedError, toPrintable, truncatedError } from './errors';
import type { ByteSource } from './checkpoint-file';
import { span, type StoredTensor } from './state-dict';

/** As many dimensions as PyTorch allows. */
const MAX_RANK = 64;
/** What one read can bring on every platform; the largest tensor of the twelve has 34 MB. */
const MAX_BYTES = 2 ** 31 - 1;

/** Whether a value out of a file is a count or offset: a whole number, not negative, and exact. */
export function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whether a value out of a file is a shape: few enough dimensions, and a countable product. */
export function isShape(value: unknown): value is number[] {
  return (
    Array.isArray(value) &&
    value.length <= MAX_RANK &&
    value.every(isIndex) &&
    isIndex(value.reduce((product, side) => product * Math.max(side, 1), 1))
  );
}

/**
 * The tensor `name` whose first element lies at byte `start`.
 *
 * @throws CheckpointError if its last element would lie past the end, or it is too large to be read.
 */
export function storedTensor(
  bytes: ByteSource,
  name: string,
  start: number,
  { dtype, shape, stride }: { dtype: DType; shape: readonly number[]; stride: readonly number[] },
): StoredTensor {
  const length = span(shape, stride) * dtypeBytes[dtype];
  if (!(start + length <= bytes.size)) throw pastEndError(bytes, name, start + length);
  if (length > MAX_BYTES) {
    throw malformedError(bytes.path, `its tensor '${toPrintable(name)}' has 2 GiB or more`);
  }
  return { dtype, shape, stride, read: () => bytes.read(start, length) };
}

/** The error for a tensor whose data would end at byte `end`, past the end of the file. */
export function pastEndError(bytes: ByteSource, name: string, end: number): Error {
  return truncatedError(
    bytes.path,
    `it has ${bytes.size} bytes, and the tensor '${toPrintable(name)}' needs ${end}`,
  );
}
