import type { DType } from '../types';
import { TensorError } from '../errors';
import { isDetached, isResizable } from '../buffers';
import { invalidArgument } from '../options';

/**
 * The typed array of each dtype. Those of float16 and bfloat16 hold the bit patterns, those of complex64 and
 * complex128 the real and the imaginary part of each element in turn.
 */
export interface TypedArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  bfloat16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint16: Uint16Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
  complex64: Float32Array;
  complex128: Float64Array;
}

/** An array of elements, or of arrays of equal lengths, to any depth. */
export type NestedArray<Element> = readonly (Element | NestedArray<Element>)[];

/** The data that a tensor can be created from. */
export type TensorData =
  | TypedArrayOf[DType]
  | Uint8ClampedArray
  | NestedArray<TypedArrayOf[DType] | Uint8ClampedArray>
  | NestedArray<number>
  | NestedArray<bigint>
  | NestedArray<boolean>;

/** The dtype inferred from data. A `Uint16Array` may be uint16, float16 or bfloat16: none is inferred. */
export type InferredDType<E> = E extends
  NestedArray<number> | Float32Array | NestedArray<Float32Array>
  ? 'float32'
  : E extends
        | NestedArray<bigint>
        | (BigInt64Array | Uint32Array | BigUint64Array)
        | NestedArray<BigInt64Array | Uint32Array | BigUint64Array>
    ? 'int64'
    : E extends NestedArray<boolean>
      ? 'bool'
      : E extends Uint8Array | Uint8ClampedArray | NestedArray<Uint8Array | Uint8ClampedArray>
        ? 'uint8'
        : E extends Float64Array | NestedArray<Float64Array>
          ? 'float64'
          : E extends Int8Array | NestedArray<Int8Array>
            ? 'int8'
            : E extends Int16Array | NestedArray<Int16Array>
              ? 'int16'
              : E extends Int32Array | NestedArray<Int32Array>
                ? 'int32'
                : DType;

/** The typed array class of each dtype. */
export const typedArrayClasses = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  complex64: Float32Array,
  complex128: Float64Array,
} as const satisfies Record<DType, unknown>;

const inferredDTypes: Readonly<Record<string, DType>> = {
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

/** Typed arrays that are converted to another dtype than their own, like arrays. */
const convertedClasses: readonly unknown[] = ['Uint32Array', 'BigUint64Array'];

/** The smallest and the largest value of each integer dtype. */
const ranges: Partial<Record<DType, readonly [number | bigint, number | bigint]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint16: [0, 65535],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0, 2n ** 64n - 1n],
};

/** The number of entries of a typed array that one element occupies. */
export function entriesPerElement(dtype: DType): 1 | 2 {
  return dtype === 'complex64' || dtype === 'complex128' ? 2 : 1;
}

/** Infers the dtype of a typed array or an array without nested ones; undefined if that is not possible. */
export function inferDType(data: unknown): DType | undefined {
  if (!Array.isArray(data)) return inferredDTypes[classOfTypedArray(data) ?? ''];
  if (typeof data[0] === 'bigint') return 'int64';
  return typeof data[0] === 'boolean' ? 'bool' : 'float32';
}

/** Whether the data must be converted to a 16-bit float dtype, rather than hold its bit patterns. */
export function needsHalfConversion(data: unknown, dtype: DType): boolean {
  return (dtype === 'float16' || dtype === 'bfloat16') && needsConversion(data, dtype);
}

/**
 * Returns data without nested arrays as the typed array of a dtype. Arrays, and unsigned typed arrays
 * without a dtype, are converted; a typed array of the dtype is returned as it is.
 *
 * @param path the indices of `data` in nested arrays, e.g. `[1]`, for messages
 * @throws OptionError if the data are of another type, or an element is out of the dtype's range
 * @throws TensorError if the buffer of a typed array is detached, or memory is exhausted
 */
export function toTypedArray(data: unknown, dtype: DType, path = ''): TypedArrayOf[DType] {
  if (needsConversion(data, dtype)) return convert(data, dtype, path);
  const className = classOfTypedArray(data);
  const { name } = typedArrayClasses[dtype];
  if (className !== name && !(className === 'Uint8ClampedArray' && name === 'Uint8Array')) {
    throw invalidArgument(`the data of a ${dtype} tensor`, `a ${name} or an array`, data);
  }
  checkBuffer(data as TypedArrayOf[DType]);
  return data as TypedArrayOf[DType];
}

function needsConversion(
  data: unknown,
  dtype: DType,
): data is readonly unknown[] | Uint32Array | BigUint64Array {
  if (Array.isArray(data)) return true;
  const className = classOfTypedArray(data);
  return className !== typedArrayClasses[dtype].name && convertedClasses.includes(className);
}

const typedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object;

/** Reads the internal slot: prototypes can be changed, and differ between realms. */
export function classOfTypedArray(value: unknown): string | undefined {
  return Reflect.get(typedArrayPrototype, Symbol.toStringTag, value) as string | undefined;
}

function checkBuffer(typed: ArrayBufferView & { length: number }): void {
  const { buffer } = typed;
  if (isResizable(buffer)) {
    throw invalidArgument('the data of a tensor', 'a non-resizable buffer', buffer);
  }
  if (typed.length === 0 && isDetached(buffer)) {
    throw new TensorError('ERR_SEMISUP_TENSOR', {
      what: 'The data of a tensor are in a detached buffer.',
      remedy: 'Create the tensor before the buffer is transferred, or pass a copy.',
      value: typed,
    });
  }
}

/** Allocates a zero-filled typed array of `length` entries. @throws TensorError if memory is exhausted */
export function allocateTypedArray<T extends DType>(dtype: T, length: number): TypedArrayOf[T] {
  try {
    return new typedArrayClasses[dtype](length) as TypedArrayOf[T];
  } catch (cause) {
    throw new TensorError('ERR_SEMISUP_TENSOR', {
      what: `${length / entriesPerElement(dtype)} elements of ${dtype} could not be allocated.`,
      remedy: 'Use smaller tensors, or dispose those that are no longer needed.',
      value: length,
      cause,
    });
  }
}

function convert(
  values: readonly unknown[] | Uint32Array | BigUint64Array,
  dtype: DType,
  path: string,
): TypedArrayOf[DType] {
  if (!Array.isArray(values)) checkBuffer(values as Uint32Array);
  const converted = allocateTypedArray(dtype, values.length);
  for (let i = 0; i < converted.length; i++) {
    converted[i] = convertOne(values[i], dtype, () => `data${path}[${i}] of a ${dtype} tensor`);
  }
  return converted;
}

function convertOne(value: unknown, dtype: DType, describeIndex: () => string): number | bigint {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  if (dtype === 'bool' && (isNumber || typeof value === 'boolean'))
    return Number(Number(value) !== 0);
  if (dtype === 'bool' || !isNumber) {
    const expected = dtype === 'bool' ? 'a boolean or a number' : 'a number or a bigint';
    throw invalidArgument(describeIndex(), expected, value);
  }
  const range = ranges[dtype];
  if (!range) return Number(value);
  const isInteger = typeof value === 'bigint' || Number.isInteger(value);
  if (isInteger && value >= range[0] && value <= range[1]) {
    return dtype === 'int64' || dtype === 'uint64' ? BigInt(value) : Number(value);
  }
  throw invalidArgument(describeIndex(), `an integer from ${range[0]} to ${range[1]}`, value);
}

/** A typed array for elements of a dtype over bytes of a buffer. @throws RangeError if they do not fit */
export function typedArrayOver<T extends DType>(
  dtype: T,
  { buffer, byteOffset }: Uint8Array<ArrayBuffer>,
  offset: number,
  bytes: number,
): TypedArrayOf[T] {
  const Class = typedArrayClasses[dtype];
  return new Class(buffer, byteOffset + offset, bytes / Class.BYTES_PER_ELEMENT) as TypedArrayOf[T];
}

/** Elements as numbers: of float16 and bfloat16, tensors hold the bit patterns. */
export function toNumbers<T extends ArrayLike<number | bigint>>(
  elements: T,
  dtype: DType,
): T | Float64Array {
  if (dtype !== 'float16' && dtype !== 'bfloat16') return elements;
  const toNumber = dtype === 'float16' ? fromFloat16 : fromBFloat16;
  return Float64Array.from(elements as ArrayLike<number>, toNumber);
}

/** IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction. */
function fromFloat16(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The upper half of a float32. */
function fromBFloat16(bits: number): number {
  return new DataView(Uint32Array.of(bits * 2 ** 16).buffer).getFloat32(0, isLittleEndian);
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
