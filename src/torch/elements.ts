import type { DType } from '../types';
import { TensorError } from '../errors';
import { invalidValue } from '../options';

/** The typed array that holds the elements of each dtype; float16 and bfloat16 as their bits. */
export interface ArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  bfloat16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  bool: Uint8Array;
}

/** What a tensor can be made of. */
export type Elements =
  | ArrayOf[DType]
  | Uint8ClampedArray
  | Uint32Array
  | BigUint64Array
  | readonly number[]
  | readonly bigint[]
  | readonly boolean[];

/** The dtype that elements have by themselves; the bits of 16-bit floats do not tell theirs. */
export type OwnDType<E> = E extends readonly number[] | Float32Array
  ? 'float32'
  : E extends readonly bigint[] | BigInt64Array | Uint32Array | BigUint64Array
    ? 'int64'
    : E extends readonly boolean[]
      ? 'bool'
      : E extends Uint8Array | Uint8ClampedArray
        ? 'uint8'
        : E extends Float64Array
          ? 'float64'
          : E extends Int8Array
            ? 'int8'
            : E extends Int16Array
              ? 'int16'
              : E extends Int32Array
                ? 'int32'
                : DType;

/** The class of the typed array of each dtype. */
export const arrayOf = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const satisfies Record<DType, unknown>;

const ownDTypes: Readonly<Record<string, DType>> = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Int8Array: 'int8',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
  Int16Array: 'int16',
  Int32Array: 'int32',
  Uint32Array: 'int64',
  BigInt64Array: 'int64',
  BigUint64Array: 'int64',
};

/** Typed arrays of numbers that no dtype holds all of. */
const noDTypes: readonly unknown[] = ['Uint32Array', 'BigUint64Array'];

/** The least and the greatest number of each dtype of whole numbers. */
const ranges: Partial<Record<DType, readonly [number | bigint, number | bigint]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};

/** The dtype that elements have by themselves, if any. */
export function ownDType(data: unknown): DType | undefined {
  if (!Array.isArray(data)) return ownDTypes[classOfTypedArray(data) ?? ''];
  if (typeof data[0] === 'bigint') return 'int64';
  return typeof data[0] === 'boolean' ? 'bool' : 'float32';
}

/** Whether they are numbers that are to become 16-bit floats, not the bits of such. */
export function areNumbersForHalf(data: unknown, dtype: DType): boolean {
  return (dtype === 'float16' || dtype === 'bfloat16') && areNumbers(data);
}

/**
 * Elements as the typed array of a dtype: those of its class as they are; arrays, and typed arrays of
 * unsigned numbers that no dtype has, converted.
 *
 * @throws OptionError if they are of another type, or out of the dtype's range
 * @throws TensorError if the buffer of a typed array is detached, or there is no memory
 */
export function toTypedArray(data: unknown, dtype: DType): ArrayOf[DType] {
  if (areNumbers(data)) return convert(data, dtype);
  const given = classOfTypedArray(data);
  const { name } = arrayOf[dtype];
  if (given !== name && !(given === 'Uint8ClampedArray' && name === 'Uint8Array')) {
    throw invalidValue(`the data of a ${dtype} tensor`, `a ${name} or an array`, data);
  }
  checkBuffer(data as ArrayOf[DType]);
  return data as ArrayOf[DType];
}

function areNumbers(data: unknown): data is readonly unknown[] | Uint32Array | BigUint64Array {
  return Array.isArray(data) || noDTypes.includes(classOfTypedArray(data));
}

const typedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object;

/** By what it truly is, whatever its prototype says and whichever realm it comes from. */
function classOfTypedArray(value: unknown): string | undefined {
  return Reflect.get(typedArrayPrototype, Symbol.toStringTag, value) as string | undefined;
}

function checkBuffer(typed: ArrayBufferView & { length: number }): void {
  const { buffer } = typed;
  if ('resizable' in buffer && buffer.resizable) {
    throw invalidValue('the data of a tensor', 'a buffer that cannot be resized', buffer);
  }
  if (typed.length === 0 && isDetached(buffer)) {
    throw new TensorError('ERR_SEMISUP_TENSOR', {
      what: 'The data of a tensor are in a buffer that was transferred, and so are gone.',
      remedy: 'Make the tensor before the buffer is transferred, or pass a copy.',
      value: typed,
    });
  }
}

/** `ArrayBuffer.prototype.detached` is not in Node 20. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    return new Uint8Array(buffer).length !== buffer.byteLength;
  } catch {
    return true;
  }
}

/** A new typed array of zeros. @throws TensorError if there is no memory for it */
export function makeTypedArray<T extends DType>(dtype: T, length: number): ArrayOf[T] {
  try {
    return new arrayOf[dtype](length) as ArrayOf[T];
  } catch (cause) {
    throw new TensorError('ERR_SEMISUP_TENSOR', {
      what: `There is no memory for ${length} elements of ${dtype}.`,
      remedy: 'Use smaller tensors, or dispose of those that are done with.',
      value: length,
      cause,
    });
  }
}

function convert(
  values: readonly unknown[] | Uint32Array | BigUint64Array,
  dtype: DType,
): ArrayOf[DType] {
  if (!Array.isArray(values)) checkBuffer(values as Uint32Array);
  const converted = makeTypedArray(dtype, values.length);
  for (let i = 0; i < converted.length; i++) converted[i] = convertOne(values[i], dtype);
  return converted;
}

function convertOne(value: unknown, dtype: DType): number | bigint {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  if (dtype === 'bool' && (isNumber || typeof value === 'boolean'))
    return Number(Number(value) !== 0);
  if (dtype === 'bool' || !isNumber) {
    const expected = dtype === 'bool' ? 'a boolean or a number' : 'a number or a bigint';
    throw invalidValue(`an element of a ${dtype} tensor`, expected, value);
  }
  const range = ranges[dtype];
  if (!range) return Number(value);
  const isWhole = typeof value === 'bigint' || Number.isInteger(value);
  if (isWhole && value >= range[0] && value <= range[1]) {
    return dtype === 'int64' ? BigInt(value) : Number(value);
  }
  const expected = `a whole number from ${range[0]} to ${range[1]}`;
  throw invalidValue(`an element of a ${dtype} tensor`, expected, value);
}
