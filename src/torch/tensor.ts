import { dtypeBytes, isDType, type DType } from '../dtype';
import { TensorError } from '../errors';
import { checkOptionNames, wrongValue } from '../options';
import { openNativeSync } from './addon';
import { resolveDevice, type DeviceName } from './device';
import {
  arrayOf,
  ownDType,
  toTypedArray,
  type ArrayOf,
  type Elements,
  type OwnDType,
} from './elements';
import { formatElements } from './format';
import type { Native, TensorHandle } from './native';

/**
 * A dense array of numbers on a device, owned by LibTorch. Its elements are copied once on the way in
 * (`from`) and once on the way out (`data`); between modules they are not copied at all.
 */
export class Tensor<T extends DType = DType> implements Disposable {
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
   * Copies elements, row-major, into a new tensor on the CPU. The first call of a process blocks while
   * LibTorch is opened, unless a model was loaded before.
   *
   * @param data a typed array (bits in a `Uint16Array` for float16 and bfloat16) or an array
   * @param shape non-negative whole numbers; one dimension by default
   * @param dtype by default that of the typed array; of arrays float32, int64 of bigints, bool of
   *   booleans; a `Uint16Array` needs `'float16'` or `'bfloat16'`
   * @throws TensorError if data and shape do not fit together
   * @throws OptionError if data or dtype are of the wrong type
   * @throws LibTorchError if LibTorch cannot be opened
   */
  static from<E extends Elements, T extends DType = OwnDType<E>>(
    data: E,
    shape: readonly number[] = [data.length],
    dtype?: T,
  ): Tensor<T> {
    const type = dtype ?? ownDType(data);
    if (type === undefined || typeof type !== 'string' || !isDType(type)) {
      throw wrongValue('the data of a tensor', 'a typed array, or a dtype with it', dtype ?? data);
    }
    const typed = toTypedArray(data, type);
    const elements = countElements(shape);
    if (elements !== typed.length) {
      throw new TensorError('ERR_SEMISUP_TENSOR', {
        what: `The shape [${shape.join(', ')}] has ${elements} elements but the data have ${typed.length}.`,
        todo: 'Correct the shape or the data; a transferred buffer has none.',
        value: shape,
      });
    }
    const native = openNativeSync();
    return new Tensor<T>(native, native.createTensor(typed, type, shape));
  }

  /** Copies the elements, row-major, into a typed array. @throws DisposedError after `dispose()` */
  // eslint-disable-next-line @typescript-eslint/require-await -- copies from other devices take time
  async data(): Promise<ArrayOf[T]> {
    return this.dataSync();
  }

  /** As `data`, on the JS thread. */
  dataSync(): ArrayOf[T] {
    return new arrayOf[this.dtype](this.#native.readTensor(this.handle)) as ArrayOf[T];
  }

  /** The elements as float32, of whatever dtype they are. */
  async toFloat32(): Promise<Float32Array> {
    using converted = this.to({ dtype: 'float32' });
    return await converted.data();
  }

  /** The same elements on another device or as another dtype; itself, in a new object, if they are. */
  to<U extends DType = T>(target: { device?: DeviceName; dtype?: U }): Tensor<U> {
    checkOptionNames(target, ['device', 'dtype'], 'to');
    const { dtype = this.dtype } = target;
    if (typeof dtype !== 'string' || !isDType(dtype)) {
      throw wrongValue('dtype', `a dtype such as 'float32'`, dtype);
    }
    const device = target.device === undefined ? this.device : resolveDevice(target.device);
    return new Tensor<U>(this.#native, this.#native.convertTensor(this.handle, device, dtype));
  }

  /**
   * The same elements in another shape, sharing the memory.
   *
   * @param shape one dimension may be -1: it is computed
   * @throws TensorError if the shape has another number of elements
   */
  reshape(shape: readonly number[]): Tensor<T> {
    const known = shape.filter((length) => length !== -1);
    countElements(known);
    if (known.length < shape.length - 1) throw wrongValue('a shape', 'at most one -1', shape);
    return new Tensor<T>(this.#native, this.#native.reshapeTensor(this.handle, shape));
  }

  /** Frees the memory now, not when the garbage collector comes. Idempotent. */
  dispose(): void {
    this.#native.disposeTensor(this.handle);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** As PyTorch prints it, e.g. `tensor([1., 2.], dtype=float64)`; long dimensions shortened. */
  toString(): string {
    const isFloat = this.dtype.includes('float');
    using printable = isFloat ? this.to({ dtype: 'float64' }) : this.to({});
    const kind = isFloat ? 'float' : this.dtype === 'bool' ? 'boolean' : 'integer';
    const elements = formatElements(printable.dataSync(), this.shape, kind);
    const usual = ['float32', 'int64', 'bool'].includes(this.dtype);
    const dtype = usual ? '' : `, dtype=${this.dtype}`;
    return `tensor(${elements}${dtype}${this.device === 'cpu' ? '' : `, device='${this.device}'`})`;
  }
}

function countElements(shape: readonly number[]): number {
  if (!Array.isArray(shape)) throw wrongValue('a shape', 'an array of whole numbers', shape);
  let count = 1;
  for (const length of shape as readonly number[]) {
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
