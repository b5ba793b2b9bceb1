import { dtypeBytes, isDType, type DType } from '../dtype';
import { TensorError } from '../errors';
import { wrongValue } from '../options';
import { openNativeSync } from './addon';
import type { Native, TensorHandle } from './native';

/** The typed array that holds the elements of each dtype; float16 and bfloat16 are given as bits. */
interface ArrayOf {
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

const arrayOf = {
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
} as const;

/** The first dtype that a typed array holds; for the bits of 16-bit floats it must be said. */
function usualDType(data: unknown): DType | undefined {
  if (data instanceof Uint16Array) return undefined;
  return Object.keys(arrayOf)
    .filter(isDType)
    .find((dtype) => data instanceof arrayOf[dtype]);
}

/** A dense array of numbers on a device, owned by LibTorch. */
export class Tensor<T extends DType = DType> {
  readonly #native: Native;
  /** @internal */
  readonly handle: TensorHandle;
  /** The element type, e.g. `'float32'`. */
  readonly dtype: T;
  /** The length of each dimension. */
  readonly shape: readonly number[];
  /** Where the elements lie, e.g. `'cpu'`. */
  readonly device: string;

  /** @internal */
  constructor(native: Native, handle: TensorHandle) {
    const { dtype, shape, device } = native.describeTensor(handle);
    this.#native = native;
    this.handle = handle;
    this.dtype = dtype as T;
    this.shape = shape;
    this.device = device;
  }

  /**
   * Copies `data` (row-major) into a new tensor on the CPU.
   *
   * @param data as many elements as the shape has
   * @param shape non-negative whole numbers; one dimension by default
   * @param dtype by default that of the typed array; a `Uint16Array` needs `'float16'` or `'bfloat16'`
   * @throws TensorError if data, shape and dtype do not fit together
   */
  static from<T extends DType = 'float32'>(
    data: ArrayOf[T],
    shape: readonly number[] = [data.length],
    dtype?: T,
  ): Tensor<T> {
    const type = dtype ?? usualDType(data);
    if (type === undefined || !isDType(type) || !(data instanceof arrayOf[type])) {
      throw wrongValue('the data of a tensor', `a typed array of its dtype`, data);
    }
    const elements = countElements(shape);
    if (elements !== data.length) {
      throw new TensorError('ERR_SEMISUP_TENSOR', {
        what: `The shape [${shape.join(', ')}] has ${elements} elements but the data have ${data.length}.`,
        todo: 'Correct the shape or the data.',
        value: shape,
      });
    }
    const native = openNativeSync();
    return new Tensor<T>(native, native.createTensor(data, type, shape));
  }

  /** Copies the elements, row-major, into a typed array. */
  // eslint-disable-next-line @typescript-eslint/require-await -- copies from devices will take time
  async data(): Promise<ArrayOf[T]> {
    return this.dataSync();
  }

  /** As `data`, on the JS thread. */
  dataSync(): ArrayOf[T] {
    return new arrayOf[this.dtype](this.#native.readTensor(this.handle)) as ArrayOf[T];
  }

  /** Frees the memory now, not when the garbage collector comes. Idempotent. */
  dispose(): void {
    this.#native.disposeTensor(this.handle);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return `Tensor(${this.dtype} [${this.shape.join(', ')}] ${this.device})`;
  }
}

function countElements(shape: readonly number[]): number {
  let count = 1;
  for (const length of shape) {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw wrongValue('a dimension of a shape', 'a non-negative whole number', length);
    }
    count *= length;
  }
  if (!Number.isSafeInteger(count * Math.max(...Object.values(dtypeBytes)))) {
    throw wrongValue('a shape', 'fewer elements than memory can hold', shape);
  }
  return count;
}
