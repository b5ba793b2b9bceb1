import { dtypeBytes, isDType, type DType } from '../types';
import { TensorError } from '../errors';
import { checkOptionNames, readFrom, invalidValue } from '../options';
import { openNativeSync, setTensorFactory } from './addon';
import { openDeviceSync, type DeviceName } from './device';
import {
  areNumbersForHalf,
  makeTypedArray,
  ownDType,
  toTypedArray,
  type ArrayOf,
  type Elements,
  type OwnDType,
} from './elements';
import { Executor } from './executor';
import { formatTensor } from './format';
import type { Native, TensorHandle } from './native';

/** As in NumPy; some operators of LibTorch take no more either. */
const maxDimensions = 64;

/**
 * A dense array of numbers on a device, owned by LibTorch. Its elements are copied once on the way in
 * (`from`) and once on the way out (`data`), however they lie; between modules they are not copied at
 * all. A module that changes the elements of an input in place changes those of this tensor.
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
    this.shape = Object.freeze(shape);
    this.device = device;
  }

  /**
   * Copies elements, row-major, into a new tensor on the CPU. The first call of a process blocks while
   * LibTorch is opened, unless a model was loaded before.
   *
   * @param data a typed array, in a `SharedArrayBuffer` too, or an array of numbers, bigints or booleans
   * @param shape up to 64 non-negative whole numbers; one dimension by default
   * @param dtype by default that of the typed array, which for `Uint32Array` and `BigUint64Array` is
   *   int64; of arrays float32, int64 of bigints, bool of booleans. Typed arrays are not converted: use
   *   `to`. Arrays are, where no number is lost but to rounding. A `Uint16Array` holds the bits of
   *   `'float16'` or `'bfloat16'`, which must be said.
   * @throws TensorError if data and shape do not fit together, the data were transferred, or memory ends
   * @throws OptionError if data, shape or dtype are of the wrong type, or a number out of range
   * @throws LibTorchError if LibTorch cannot be opened
   */
  static from<E extends Elements, T extends DType = OwnDType<E>>(
    data: E,
    shape?: readonly number[],
    dtype?: T,
  ): Tensor<T> {
    const type = dtype ?? readFrom('The data of a tensor', data, () => ownDType(data));
    if (typeof type !== 'string' || !isDType(type)) {
      throw invalidValue(
        'the data of a tensor',
        'a typed array, or a dtype with it',
        dtype ?? data,
      );
    }
    if (readFrom('The data of a tensor', data, () => areNumbersForHalf(data, type))) {
      using wide = Tensor.from(data, shape, 'float64');
      return wide.to({ dtype: type as T });
    }
    const typed = readFrom('The data of a tensor', data, () => toTypedArray(data, type));
    const lengths = shape === undefined ? [typed.length] : readShape(shape);
    const elements = countElements(lengths);
    if (elements !== typed.length) {
      throw new TensorError('ERR_SEMISUP_TENSOR', {
        what: `The shape [${lengths.join(', ')}] has ${elements} elements but the data have ${typed.length}.`,
        remedy: 'Correct the shape or the data; a transferred buffer has none.',
        value: shape,
      });
    }
    const native = openNativeSync();
    return new Tensor<T>(native, native.createTensor(typed, type, lengths));
  }

  /**
   * Copies the elements, row-major, into a typed array.
   *
   * @throws DisposedError after `dispose()`
   * @throws TensorError if there is no memory for them
   */
  async data(): Promise<ArrayOf[T]> {
    if (this.device === 'cpu') return this.dataSync();
    using copy = await this.moved('cpu');
    return copy.dataSync();
  }

  /** As `to`, off the JS thread. @internal */
  async moved(device: string): Promise<Tensor<T>> {
    const { native, handle } = await Executor.shared();
    return new Tensor<T>(native, await native.moveTensor(handle, this.handle, device));
  }

  /** As `data`, on the JS thread. */
  dataSync(): ArrayOf[T] {
    const elements = makeTypedArray(this.dtype, product(this.shape));
    this.#native.readTensor(this.handle, elements);
    return elements;
  }

  /** The elements as float32, of whatever dtype they are. */
  async toFloat32(): Promise<Float32Array> {
    using converted = this.to({ dtype: 'float32' });
    return await converted.data();
  }

  /**
   * The same elements on another device or as another dtype. Where they are there already, it is a new
   * object for the same memory. The first use of a GPU blocks while the driver starts.
   *
   * @throws OptionError if an option is unknown or of the wrong type
   * @throws DeviceError if the device is not there
   */
  to<U extends DType = T>(target: { device?: DeviceName; dtype?: U } = {}): Tensor<U> {
    checkOptionNames(target, ['device', 'dtype'], 'to');
    const { dtype = this.dtype } = target;
    if (typeof dtype !== 'string' || !isDType(dtype)) {
      throw invalidValue('dtype', `a dtype such as 'float32'`, dtype);
    }
    const device = target.device === undefined ? this.device : openDeviceSync(target.device).name;
    return new Tensor<U>(this.#native, this.#native.convertTensor(this.handle, device, dtype));
  }

  /**
   * The same elements in another shape, sharing the memory where they lie in their order.
   *
   * @param shape one dimension may be -1: it is computed
   * @throws TensorError if the shape has another number of elements
   * @throws OptionError if it is no shape
   */
  reshape(shape: readonly number[]): Tensor<T> {
    const lengths = readShape(shape);
    const known = lengths.filter((length) => length !== -1);
    countElements(known);
    if (known.length < lengths.length - 1) throw invalidValue('a shape', 'at most one -1', shape);
    return new Tensor<T>(this.#native, this.#native.reshapeTensor(this.handle, lengths));
  }

  /** Frees the memory now, not when the garbage collector comes. Idempotent. */
  dispose(): void {
    this.#native.disposeTensor(this.handle);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** As PyTorch prints it, e.g. `tensor([1., 2.], dtype=torch.float64)`; long dimensions shortened. */
  toString(): string {
    const { dtype, shape } = this;
    const isHalf = dtype === 'float16' || dtype === 'bfloat16';
    using printable = this.to({ device: 'cpu', dtype: isHalf ? 'float32' : dtype });
    const kind = dtype.includes('float') ? 'float' : dtype === 'bool' ? 'boolean' : 'integer';
    const elements = printable.dataSync();
    // Nothing in an empty tensor tells its shape or dtype.
    const isEmpty = elements.length === 0;
    const usual = isEmpty ? ['float32'] : ['float32', 'int64', 'bool'];
    const suffixes = [
      ...(this.device === 'cpu' ? [] : [`device='${this.device}'`]),
      ...(isEmpty && shape.length !== 1 ? [`size=(${shape.join(', ')})`] : []),
      ...(usual.includes(dtype) ? [] : [`dtype=torch.${dtype}`]),
    ];
    return formatTensor({ elements, shape, kind }, suffixes);
  }
}

setTensorFactory((native, handle) => new Tensor(native, handle));

/** A copy, whose elements cannot change behind the checks. */
function readShape(shape: unknown): number[] {
  return readFrom('A shape', shape, () => {
    if (!Array.isArray(shape)) throw invalidValue('a shape', 'an array of whole numbers', shape);
    if (shape.length > maxDimensions) {
      throw invalidValue('a shape', `at most ${maxDimensions} dimensions`, shape);
    }
    return Array.from(shape as number[]);
  });
}

function countElements(shape: readonly number[]): number {
  for (const length of shape) {
    if (Number.isSafeInteger(length) && length >= 0) continue;
    throw invalidValue('a dimension of a shape', 'a non-negative whole number', length);
  }
  const count = product(shape);
  if (!Number.isSafeInteger(count * Math.max(...Object.values(dtypeBytes)))) {
    throw invalidValue('a shape', 'fewer elements than memory can hold', shape);
  }
  return count;
}

function product(shape: readonly number[]): number {
  return shape.reduce((count, length) => count * length, 1);
}
