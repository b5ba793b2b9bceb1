import { inspect } from 'node:util';
import { dtypeBytes, isDType, type DType } from '../types';
import { dispose } from '../dispose';
import { DisposedError, TensorError, type OptionError } from '../errors';
import { checkOptionNames, guardGetters, invalidArgument, invalidValue } from '../options';
import { openEngine, setTensorFactory } from './addon';
import {
  needsHalfConversion,
  allocateTypedArray,
  toNumbers,
  classOfTypedArray,
  entriesPerElement,
  inferDType,
  type TypedArrayOf,
  type TensorData,
  type InferredDType,
} from './tensor-data';
import type { DeviceName } from './device-name';
import { edgeItems, formatTensor, isSummarized, type Kind } from './format-tensor';
import type { Native, TensorHandle } from './native';
import { flattenNested, inferShape, maxDimensions, measureNested } from './nested-data';

/** LibTorch's functions for tensors of either addon, which load it. */
export interface TensorConverter {
  convert(handle: TensorHandle, device: DeviceName, dtype: DType): AddonTensor;
  /** Copies a tensor to a device, off the JS thread. */
  move(handle: TensorHandle, device: string): Promise<AddonTensor>;
}

/** A tensor, and the addon that it belongs to. */
export interface AddonTensor {
  readonly native: Native;
  readonly handle: TensorHandle;
}

let converter: TensorConverter;

/** Sets what converts tensors. */
export function setTensorConverter(libtorch: TensorConverter): void {
  converter = libtorch;
}

/**
 * A dense array of numbers on a device, owned by native code. Its elements are copied once by `from` and
 * once by `data`, and not when it is passed between modules. A module that modifies an input in place
 * modifies this tensor.
 */
export class Tensor<T extends DType = DType> implements Disposable {
  readonly #native: Native;
  /** @internal */
  readonly handle: TensorHandle;
  /** The element type, e.g. `'float32'`. */
  readonly dtype: T;
  /** The length of each dimension. */
  readonly shape: readonly number[];
  /** The device of the elements, e.g. `'cpu'`. */
  readonly device: string;

  /** @internal */
  constructor(native: Native, handle: TensorHandle) {
    const { dtype, shape, device } = native.describeTensor(handle);
    this.#native = native;
    this.handle = handle;
    this.dtype = dtype as T;
    this.shape = Object.freeze(shape);
    this.device = device;
  }

  /** The size of the elements in bytes. @internal */
  get byteLength(): number {
    return product(this.shape) * dtypeBytes[this.dtype];
  }

  /**
   * Copies row-major data into a new tensor on the CPU. Does not need LibTorch, unless an array is converted to
   * float16 or bfloat16.
   *
   * @param data a typed array, also of a `SharedArrayBuffer`; an array of numbers, bigints or booleans; or
   *   nested arrays of these, such as `[[1, 2], [3, 4]]`, or an array of typed arrays
   * @param shape up to 64 non-negative integers; by default the lengths of the nested arrays
   * @param dtype inferred by default: that of a typed array (int64 for `Uint32Array` and
   *   `BigUint64Array`); for an array float32, also of integers, int64 of bigints, bool of booleans. Arrays
   *   are converted to another dtype if every element is in its range; typed arrays are not: use `to`. A
   *   `Uint16Array` requires a dtype: `'uint16'`, or `'float16'` or `'bfloat16'`, whose bit patterns it then
   *   holds. Complex dtypes must be named: data hold the real and the imaginary part of each element in
   *   turn, and the innermost arrays of nested ones are `[re, im]`, as for `torch.view_as_complex`.
   * @throws TensorError if the data do not match the shape, are detached, or memory is exhausted
   * @throws OptionError if data, shape or dtype are of the wrong type, nested arrays differ in length, or a
   *   number is out of range
   * @throws LibTorchError if the compiled addon cannot be loaded
   */
  static from<E extends TensorData, T extends DType = InferredDType<E>>(
    data: E,
    shape?: readonly number[],
    dtype?: T,
  ): Tensor<T> {
    const name = 'the data of the tensor';
    const { lengths, first } = guardGetters(name, data, () => measureNested(data));
    const type = dtype ?? guardGetters(name, data, () => inferDType(first));
    if (typeof type !== 'string' || !isDType(type)) throw invalidDType(dtype, first);
    if (guardGetters(name, data, () => needsHalfConversion(first, type))) {
      const wide = Tensor.from(data, shape, 'float64');
      try {
        return wide.to({ dtype: type as T });
      } finally {
        wide.dispose();
      }
    }
    const typed = guardGetters(name, data, () => flattenNested(data, lengths, type));
    const sizes = shape === undefined ? inferShape(lengths, type) : readShape(shape);
    const entries = countElements(sizes) * entriesPerElement(type);
    if (entries !== typed.length) {
      const unit = entriesPerElement(type) === 1 ? 'elements' : 'real and imaginary parts';
      throw new TensorError('ERR_SEMISUP_TENSOR', {
        what: `Expected ${entries} ${unit} for the shape [${sizes.join(', ')}], but received ${typed.length}.`,
        remedy: 'Correct the shape or the data. A detached buffer has no elements.',
        value: shape,
      });
    }
    const native = openEngine();
    return new Tensor<T>(native, native.createTensor(typed, type, sizes));
  }

  /**
   * Copies the elements, row-major, into a typed array. That of float16 and bfloat16 holds the bit patterns;
   * that of complex64 and complex128 the real and the imaginary part of each element in turn, so that its
   * shape is `[...shape, 2]`, as of `torch.view_as_real`.
   *
   * @throws DisposedError after `dispose()`
   * @throws TensorError if memory is exhausted
   */
  async data(): Promise<TypedArrayOf[T]> {
    if (this.device === 'cpu') return this.dataSync();
    const copy = await this.moved('cpu');
    try {
      return copy.dataSync();
    } finally {
      copy.dispose();
    }
  }

  /** Copies the tensor to a device, off the JS thread. @internal */
  async moved(device: string): Promise<Tensor<T>> {
    const { native, handle } = await converter.move(this.handle, device);
    return new Tensor<T>(native, handle);
  }

  /** The handle of the same tensor on the CPU without LibTorch. @internal */
  get hostHandle(): TensorHandle {
    return this.#native.toHostTensor(this.handle);
  }

  /** Like `data`, but blocks. */
  dataSync(): TypedArrayOf[T] {
    const entries = product(this.shape) * entriesPerElement(this.dtype);
    const elements = allocateTypedArray(this.dtype, entries);
    this.#native.readTensor(this.handle, elements);
    return elements;
  }

  /** Copies the elements, converted to float32; of complex ones the real part, as PyTorch does. */
  async toFloat32(): Promise<Float32Array> {
    const converted = this.to({ dtype: 'float32' });
    try {
      return await converted.data();
    } finally {
      converted.dispose();
    }
  }

  /**
   * Returns this tensor on a device and with a dtype. If it has both already, the new object shares its
   * memory; otherwise LibTorch converts it, and blocks while it is loaded. The first use of a GPU blocks while the driver initializes.
   *
   * @throws OptionError if an option is unknown or of the wrong type
   * @throws DeviceError if the device is not available
   * @throws LibTorchError if LibTorch cannot be loaded
   */
  to<U extends DType = T>(target: { device?: DeviceName; dtype?: U } = {}): Tensor<U> {
    checkOptionNames(target, ['device', 'dtype'], 'to');
    const { dtype = this.dtype } = target;
    if (typeof dtype !== 'string' || !isDType(dtype)) {
      throw invalidValue('dtype', `a dtype such as 'float32'`, dtype);
    }
    const device = (target.device ?? this.device) as DeviceName;
    if (dtype === this.dtype && device === this.device) return this.#alias<U>();
    const { native, handle } = converter.convert(this.handle, device, dtype);
    return new Tensor<U>(native, handle);
  }

  /**
   * Returns the same elements in another shape; shares the memory if the strides allow it.
   *
   * @param shape one dimension may be -1: it is inferred
   * @throws TensorError if the shape has another number of elements
   * @throws OptionError if it is not a valid shape
   */
  reshape(shape: readonly number[]): Tensor<T> {
    const lengths = readShape(shape);
    const known = lengths.filter((length) => length !== -1);
    countElements(known);
    if (known.length < lengths.length - 1)
      throw invalidArgument('a shape', 'at most one -1', shape);
    return new Tensor<T>(this.#native, this.#native.reshapeTensor(this.handle, lengths));
  }

  /** Releases the memory without waiting for the garbage collector. Idempotent. */
  dispose(): void {
    this.#native.disposeTensor(this.handle);
  }

  /** Same as `dispose()`. */
  [dispose](): void {
    this.dispose();
  }

  /**
   * PyTorch's format, e.g. `tensor([1., 2.], dtype=torch.float64)`; tensors of more than 1000 elements are
   * summarized. Blocks while the elements of a GPU tensor are copied.
   */
  toString(): string {
    const { dtype, shape, device } = this;
    // Without elements, neither the shape nor the dtype is apparent.
    const isEmpty = product(shape) === 0;
    const usual = isEmpty ? ['float32'] : ['float32', 'complex64', 'int64', 'bool'];
    return this.#format('tensor', [
      ...(device === 'cpu' ? [] : [`device='${device}'`]),
      ...(isEmpty && shape.length !== 1 ? [`size=(${shape.join(', ')})`] : []),
      ...(usual.includes(dtype) ? [] : [`dtype=torch.${dtype}`]),
    ]);
  }

  /**
   * What `console.log` prints: the elements as in `toString`, then shape, dtype and device. Never waits for
   * a GPU: the elements of its tensors are printed as `...`.
   */
  [inspect.custom](): string {
    const { dtype, shape, device } = this;
    const suffixes = [`shape=[${shape.join(', ')}]`, `dtype='${dtype}'`, `device='${device}'`];
    if (device !== 'cpu') return `Tensor(..., ${suffixes.join(', ')})`;
    try {
      return this.#format('Tensor', suffixes);
    } catch (error) {
      if (error instanceof DisposedError) return `Tensor(disposed, ${suffixes.join(', ')})`;
      throw error;
    }
  }

  #format(name: string, suffixes: readonly string[]): string {
    const { shape } = this;
    const edges = isSummarized(shape) ? this.#edges() : this.to();
    let printable: Tensor | undefined;
    try {
      printable = edges.to<DType>({ device: 'cpu' });
      const elements = toNumbers(printable.dataSync(), this.dtype);
      return formatTensor(name, { elements, shape, kind: kindOf(this.dtype) }, suffixes);
    } finally {
      printable?.dispose();
      edges.dispose();
    }
  }

  #alias<U extends DType>(): Tensor<U> {
    return new Tensor<U>(this.#native, this.#native.reshapeTensor(this.handle, this.shape));
  }

  /** The elements that a summary shows. */
  #edges(): Tensor<T> {
    return new Tensor<T>(this.#native, this.#native.summarizeTensor(this.handle, edgeItems));
  }
}

setTensorFactory((native, handle) => new Tensor(native, handle));

function invalidDType(dtype: unknown, data: unknown): OptionError {
  const remedy =
    dtype === undefined && classOfTypedArray(data) === 'Uint16Array'
      ? `Pass the dtype: 'uint16', or 'float16' or 'bfloat16' for bit patterns.`
      : undefined;
  return invalidValue('the data of a tensor', 'a typed array with a dtype', dtype ?? data, remedy);
}

function kindOf(dtype: DType): Kind {
  if (entriesPerElement(dtype) === 2) return 'complex';
  if (dtype.includes('float')) return 'float';
  return dtype === 'bool' ? 'boolean' : 'integer';
}

/** Copies the shape, so that it cannot change after it is checked. */
function readShape(shape: unknown): number[] {
  return guardGetters('the shape', shape, () => {
    if (!Array.isArray(shape)) throw invalidArgument('a shape', 'an array of integers', shape);
    if (shape.length > maxDimensions) {
      throw invalidArgument('a shape', `at most ${maxDimensions} dimensions`, shape);
    }
    return Array.from(shape as number[]);
  });
}

function countElements(shape: readonly number[]): number {
  for (const length of shape) {
    if (Number.isSafeInteger(length) && length >= 0) continue;
    throw invalidArgument('a dimension of a shape', 'a non-negative integer', length);
  }
  const count = product(shape);
  if (!Number.isSafeInteger(count * Math.max(...Object.values(dtypeBytes)))) {
    throw invalidArgument('a shape', 'a number of bytes below 2^53', shape);
  }
  return count;
}

function product(shape: readonly number[]): number {
  return shape.reduce((count, length) => count * length, 1);
}
