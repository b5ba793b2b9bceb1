import type { DType } from '../dtype';

declare const tag: unique symbol;
/** A native object behind a type tag; only the binding looks inside. */
interface Handle<Name extends string> {
  readonly [tag]: Name;
}

/** A thread of its own with a queue of jobs. */
export type ExecutorHandle = Handle<'Executor'>;
/** An `at::Tensor`. */
export type TensorHandle = Handle<'Tensor'>;
/** A `torch::jit::Module`. */
export type ModuleHandle = Handle<'Module'>;

/** The shape and dtype of a parameter or buffer that is allocated, and filled later. */
export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/**
 * A module tree to be made into TorchScript. Modules of the same `type` share one TorchScript class:
 * they must have the same source and the same names of parameters, buffers, attributes and submodules.
 */
export interface ModuleSpec {
  /** Name of the TorchScript class, e.g. `Bottleneck`. */
  readonly type: string;
  /** The methods, in TorchScript. Submodules are called as `self.conv1.forward(x)`. */
  readonly source: string;
  readonly parameters?: Readonly<Record<string, TensorSpec>>;
  readonly buffers?: Readonly<Record<string, TensorSpec>>;
  /** Whole numbers become `int`, others `float`; write a float of whole value as `{ float: 1 }`. */
  readonly attributes?: Readonly<Record<string, number | boolean | string | { float: number }>>;
  readonly modules?: Readonly<Record<string, ModuleSpec>>;
}

/** A decoded image: interleaved 8-bit samples, rows from the top. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey with alpha, 3 RGB, 4 RGB with alpha (or CMYK, see `cmyk`). Alpha is dropped. */
  readonly channels: 1 | 2 | 3 | 4;
  /** Whether the four channels are cyan, magenta, yellow and black, 0 for no ink, as in Pillow. */
  readonly cmyk?: boolean;
}

/** From pixels to a network's input: resize the shorter side, crop the centre, scale, normalise. */
export interface Transform {
  /** Length that the shorter side is resized to, in pixels. */
  readonly resize: number;
  /** Side of the square cut from the centre, in pixels; at most `resize`. */
  readonly crop: number;
  /** Per channel, of values scaled to 0..1. */
  readonly mean: readonly [number, number, number];
  /** Per channel, of values scaled to 0..1. */
  readonly std: readonly [number, number, number];
}

/** A dense array as the binding takes it. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | BigInt64Array;

/** The whole boundary between TypeScript and the LibTorch addon. */
export interface Native {
  /** The LibTorch version that the addon was compiled against, e.g. `2.13.0`. */
  readonly compiledFor: string;
  /** Makes the errors that the binding throws. Called once, before anything else. */
  setErrorFactory(make: (code: string, what: string) => Error): void;

  /** Drops the jobs that wait, lets the running ones end, and ends the threads. Idempotent. */
  shutdown(): void;

  /** How many native objects of each kind this environment holds, and their bytes. */
  memory(): Partial<
    Record<'Executor' | 'ScriptModule' | 'Tensor', { count: number; bytes: number }>
  >;

  /** A thread with a queue; `threads` is LibTorch's own number inside an operator, 0 its default. */
  createExecutor(threads: number): ExecutorHandle;
  /** Refuses new jobs; resolves when those that wait or run are done. */
  closeExecutor(executor: ExecutorHandle): Promise<void>;

  /** Copies `data` into a new tensor on the CPU. */
  createTensor(data: TypedArray, dtype: DType, shape: readonly number[]): TensorHandle;
  describeTensor(tensor: TensorHandle): { dtype: DType; shape: number[]; device: string };
  /** Copies the elements, row-major, into memory that V8 owns. */
  readTensor(tensor: TensorHandle): ArrayBuffer;
  disposeTensor(tensor: TensorHandle): void;

  /** Loads TorchScript from a file and puts it into eval mode; `extraFiles` are read with it. */
  loadModule(
    executor: ExecutorHandle,
    path: string,
    device: string,
    extraFiles: readonly string[],
  ): Promise<{ module: ModuleHandle; extraFiles: Record<string, string> }>;
  callMethod(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    inputs: readonly TensorHandle[],
  ): Promise<TensorHandle>;
  disposeModule(module: ModuleHandle): void;

  /** Makes a module from its description, in eval mode; parameters and buffers hold zeros. */
  createModule(executor: ExecutorHandle, spec: ModuleSpec): Promise<ModuleHandle>;
  /** Copies a strided view of `data` into a parameter or buffer, e.g. `layer1.0.conv1.weight`. */
  fillTensor(
    executor: ExecutorHandle,
    module: ModuleHandle,
    name: string,
    data: Uint8Array,
    source: { dtype: DType; shape: readonly number[]; stride: readonly number[] },
  ): Promise<void>;
  saveModule(
    executor: ExecutorHandle,
    module: ModuleHandle,
    path: string,
    extraFiles: Readonly<Record<string, string>>,
  ): Promise<void>;

  /** Transforms images into one float32 tensor [n, 3, crop, crop]. */
  batchImages(
    executor: ExecutorHandle,
    images: readonly Pixels[],
    transform: Transform,
  ): Promise<TensorHandle>;
  /** Softmax and top-k of logits [n, classes]: n·k classes and their probabilities, best first. */
  topk(
    executor: ExecutorHandle,
    logits: TensorHandle,
    k: number,
  ): Promise<{ indices: Int32Array; scores: Float32Array }>;
}
