import { dtypeBytes, type DType } from '../types';
import { malformedError, toPrintable, truncatedError } from './errors';
import type { ByteSource } from './checkpoint-file';
import { span, type StoredTensor } from './state-dict';

/** The maximum number of dimensions in PyTorch. */
const MAX_RANK = 64;
/** The maximum size of one read on every platform; the largest tensor of the models has 34 MB. */
const MAX_BYTES = 2 ** 31 - 1;

/** Whether an untrusted value is a count or offset: a non-negative safe integer. */
export function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whether an untrusted value is a shape: at most 64 dimensions, whose product is a safe integer. */
export function isShape(value: unknown): value is number[] {
  return (
    Array.isArray(value) &&
    value.length <= MAX_RANK &&
    value.every(isIndex) &&
    isIndex(value.reduce((product, side) => product * Math.max(side, 1), 1))
  );
}

/**
 * The tensor `name` whose first element is at byte `start`.
 *
 * @throws CheckpointError if it exceeds the file or is too large to be read.
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

/** The error for a tensor whose data ends at byte `end`, past the end of the file. */
export function pastEndError(bytes: ByteSource, name: string, end: number): Error {
  return truncatedError(
    bytes.path,
    `it has ${bytes.size} bytes, but the tensor '${toPrintable(name)}' requires ${end}`,
  );
}
