import type { DType } from '../dtype';
import { wrongValue } from '../options';

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
  ArrayOf[DType] | Uint8ClampedArray | readonly number[] | readonly bigint[] | readonly boolean[];

/** The dtype that elements have by themselves; the bits of 16-bit floats do not tell theirs. */
export type OwnDType<E> = E extends readonly bigint[] | BigInt64Array
  ? 'int64'
  : E extends readonly boolean[]
    ? 'bool'
    : E extends readonly number[] | Float32Array
      ? 'float32'
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

const ownDTypes: readonly [abstract new () => unknown, DType][] = [
  [Float32Array, 'float32'],
  [Float64Array, 'float64'],
  [Int8Array, 'int8'],
  [Uint8Array, 'uint8'],
  [Uint8ClampedArray, 'uint8'],
  [Int16Array, 'int16'],
  [Int32Array, 'int32'],
  [BigInt64Array, 'int64'],
] as never;

/** The dtype that elements have by themselves, if any. */
export function ownDType(data: unknown): DType | undefined {
  if (!Array.isArray(data)) return ownDTypes.find(([type]) => data instanceof type)?.[1];
  if (typeof data[0] === 'bigint') return 'int64';
  return typeof data[0] === 'boolean' ? 'bool' : 'float32';
}

/**
 * Elements as the typed array of a dtype: typed arrays as they are, others converted.
 *
 * @throws OptionError if they are of another type
 */
export function toTypedArray(data: unknown, dtype: DType): ArrayOf[DType] {
  if (Array.isArray(data)) return convert(data, dtype);
  const fits =
    data instanceof arrayOf[dtype] || (dtype === 'uint8' && data instanceof Uint8ClampedArray);
  if (!fits) throw wrongValue(`the data of a ${dtype} tensor`, `a ${arrayOf[dtype].name}`, data);
  const typed = data as ArrayOf[DType];
  if ('resizable' in typed.buffer && typed.buffer.resizable) {
    throw wrongValue('the data of a tensor', 'a buffer that cannot be resized', typed.buffer);
  }
  return typed;
}

function convert(values: readonly unknown[], dtype: DType): ArrayOf[DType] {
  const kinds = dtype === 'bool' ? ['boolean', 'number'] : ['number', 'bigint'];
  const wrong = values.find((value) => !kinds.includes(typeof value));
  if (wrong !== undefined || values.includes(undefined)) {
    throw wrongValue(`an element of a ${dtype} tensor`, kinds.join(' or '), wrong);
  }
  if (dtype === 'float16' || dtype === 'bfloat16') {
    throw wrongValue(`the data of a ${dtype} tensor`, 'a Uint16Array of bits', values);
  }
  if (dtype !== 'int64') return arrayOf[dtype].from(values.map(Number));
  return BigInt64Array.from(values as bigint[], (value) => toInt64(value));
}

function toInt64(value: number | bigint): bigint {
  if (typeof value === 'number' && !Number.isInteger(value)) {
    throw wrongValue('an element of an int64 tensor', 'a whole number', value);
  }
  return BigInt(value);
}
