import type { DType, ModuleSpec, Pixels, TensorView, Transform } from '../types';
import type { PlanChoices, PlanMeasured } from './plan-choices';

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

/** A GPU, and the library that answers for it. */
export type GpuHandle = Handle<'GpuDevice'>;

/** A JPEG decoder on a GPU. */
export type JpegDecoderHandle = Handle<'GpuJpegDecoder'>;

/** A module with all extra files of its archive. */
export interface LoadedModule {
  readonly module: ModuleHandle;
  readonly extraFiles: Record<string, string>;
}

/** An argument of a method. */
export interface ArgumentSchema {
  readonly name: string;
  /** TorchScript's type as Python writes it, e.g. `Optional[Tensor]`. */
  readonly type: string;
  /** Whether it can be given by name alone. */
  readonly keywordOnly: boolean;
  /**
   * What it is where it is not given; absent where it must be. A value that has no counterpart in
   * JavaScript is written as TorchScript writes it.
   */
  readonly default?: unknown;
}

/** What a method takes and gives. */
export interface MethodSchema {
  readonly arguments: readonly ArgumentSchema[];
  /** The result's type, e.g. `Tuple[Tensor, Tensor]`. */
  readonly returns: string;
}

/** The result of tuning. */
export interface PlanTuning {
  readonly choices: PlanChoices;
  readonly measured: PlanMeasured;
}

/** The reason why a method has no plan, as a clause. */
export interface NoPlan {
  readonly reason: string;
}

/** How one image runs on a GPU. */
export interface GpuLaunch {
  /** Whether it is one graph, or an operator at a time. */
  readonly isGraph: boolean;
  /** Whether cuDNN's convolutions add and rectify too. */
  readonly isFused: boolean;
  /** What it takes. */
  readonly milliseconds: number;
  /** What else was tried, and why it failed. */
  readonly failed?: string;
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
  /** What the binding makes its errors and tensors with. Called once, before anything else. */
  setFactories(
    makeError: (code: string, what: string) => Error,
    makeTensor: (handle: TensorHandle) => object,
  ): void;

  /** Drops the jobs that wait, lets the running ones end, and ends the threads. Idempotent. */
  shutdown(): void;

  /** How many native objects of each kind this environment holds, and their bytes. */
  memory(): Partial<
    Record<'Arena' | 'Executor' | 'ScriptModule' | 'Tensor', { count: number; bytes: number }>
  >;

  /** Threads with a queue; `threads` is LibTorch's own number inside an operator, 0 its default. */
  createExecutor(instances: number, threads: number): ExecutorHandle;
  /** Refuses new jobs; resolves when those that wait or run are done, and the module is freed. */
  closeModule(executor: ExecutorHandle, module: ModuleHandle | undefined): Promise<void>;
  /** Takes the call of this ticket out of the queue and rejects it; false if it runs already. */
  cancelJob(executor: ExecutorHandle, ticket: number): boolean;

  /** Copies `data` into a new tensor on the CPU. */
  createTensor(data: TypedArray, dtype: DType, shape: readonly number[]): TensorHandle;
  describeTensor(tensor: TensorHandle): { dtype: DType; shape: number[]; device: string };
  /** Copies the elements, row-major, into memory that V8 owns; of its dtype and number of elements. */
  readTensor(tensor: TensorHandle, into: TypedArray): void;
  convertTensor(tensor: TensorHandle, device: string, dtype: DType): TensorHandle;
  /** The tensor on another device, by an executor's thread. */
  moveTensor(executor: ExecutorHandle, tensor: TensorHandle, device: string): Promise<TensorHandle>;
  reshapeTensor(tensor: TensorHandle, shape: readonly number[]): TensorHandle;
  disposeTensor(tensor: TensorHandle): void;

  /**
   * Loads TorchScript from a file, or from bytes that are read in place, and puts it into eval mode;
   * floating point tensors get the dtype, if one is given. Frozen, its weights are constants.
   */
  loadModule(
    executor: ExecutorHandle,
    archive: string | Uint8Array,
    device: string,
    dtype: DType | undefined,
    freeze: boolean,
  ): Promise<LoadedModule>;
  loadModuleSync(
    executor: ExecutorHandle,
    archive: string | Uint8Array,
    device: string,
    dtype: DType | undefined,
    freeze: boolean,
  ): LoadedModule;
  /** What each method takes and gives. */
  describeMethods(module: ModuleHandle): Record<string, MethodSchema>;
  /** Calls a method; a ticket other than 0 is for `cancelJob`. */
  callMethod(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    args: readonly unknown[],
    kwargs: object,
    ticket: number,
  ): Promise<unknown>;
  callMethodSync(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    args: readonly unknown[],
    kwargs: object,
  ): unknown;
  /** TorchScript's graph of a method as text. */
  methodGraph(executor: ExecutorHandle, module: ModuleHandle, method: string): Promise<string>;
  /**
   * Makes a plan of a method; from then on, calls with one float32 [n, c, h, w] go by it. By `images`
   * are told the ranges of what is kept in 8 bits. The signature is equal for all plans that the same
   * choices are right for.
   */
  planMethod(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    precision: 'float32' | 'bfloat16' | 'int8',
    images: TensorHandle | undefined,
  ): Promise<{ readonly signature: string } | NoPlan>;
  /** Selects the algorithms of an earlier tuning. */
  selectAlgorithms(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    choices: PlanChoices,
  ): Promise<void>;
  /** Chooses by measuring with images [n, c, h, w]; drops a plan that gives other numbers. */
  tunePlan(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    images: TensorHandle,
    seconds: number,
  ): Promise<PlanTuning | NoPlan>;
  /** By how much of the largest number a plan's output for images [n, c, h, w] differs from TorchScript's. */
  comparePlan(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    images: TensorHandle,
  ): Promise<number>;
  /**
   * The GPU of an index, by the library at a path. Takes up to seconds: the driver makes a context.
   */
  openGpu(executor: ExecutorHandle, library: string, index: number): Promise<GpuHandle>;
  openGpuSync(executor: ExecutorHandle, library: string, index: number): GpuHandle;
  /**
   * Plans a method for a GPU, with weights of its own there; from then on, calls with one tensor of
   * bytes [n, h, w, 3] or of float32 [n, c, h, w] go by it, and give a tensor on the GPU. It is made
   * and tried with the first of `images`, bytes.
   */
  planOnGpu(
    executor: ExecutorHandle,
    module: ModuleHandle,
    method: string,
    gpu: GpuHandle,
    precision: 'float32' | 'tf32' | 'bfloat16' | 'float16',
    images: TensorHandle,
    transform: Transform,
  ): Promise<GpuLaunch | NoPlan>;
  /** The module's own tensors by dotted name; they share its memory. */
  findTensors(
    executor: ExecutorHandle,
    module: ModuleHandle,
    parameters: boolean,
    buffers: boolean,
  ): Promise<Record<string, object>>;
  /** An attribute of the module or, by a dotted name, of a submodule. */
  attribute(executor: ExecutorHandle, module: ModuleHandle, name: string): Promise<unknown>;
  convertModule(
    executor: ExecutorHandle,
    module: ModuleHandle,
    device: string | undefined,
    dtype: DType | undefined,
  ): Promise<void>;
  /** Makes a module from its description, in eval mode; parameters and buffers hold zeros. */
  createModule(executor: ExecutorHandle, spec: ModuleSpec): Promise<ModuleHandle>;
  /** Copies a strided view of `data` into a parameter or buffer, e.g. `layer1.0.conv1.weight`. */
  fillTensor(
    executor: ExecutorHandle,
    module: ModuleHandle,
    name: string,
    data: Uint8Array,
    source: TensorView,
  ): Promise<void>;
  saveModule(
    executor: ExecutorHandle,
    module: ModuleHandle,
    path: string,
    extraFiles: Readonly<Record<string, string>>,
  ): Promise<void>;

  /** Resizes, crops and normalizes images into one float32 tensor [n, 3, crop, crop]. */
  batchImages(
    executor: ExecutorHandle,
    images: readonly Pixels[],
    transform: Transform,
  ): Promise<TensorHandle>;
  /** Resizes and crops images into uint8 [n, crop, crop, 3] in pinned memory; the GPU normalizes them. */
  batchImagesForGpu(
    executor: ExecutorHandle,
    images: readonly Pixels[],
    transform: Transform,
    gpu: GpuHandle,
  ): Promise<TensorHandle>;
  /** Opens nvJPEG on a GPU, from the first of `libraries` that loads. */
  openJpegDecoder(
    executor: ExecutorHandle,
    gpu: GpuHandle,
    libraries: readonly string[],
  ): Promise<JpegDecoderHandle>;
  /**
   * Decodes, resizes and crops JPEG files on a GPU into uint8 [n, crop, crop, 3] there. `failed` lists the
   * indices of the files that could not be decoded and are left out; `images` is absent if all failed.
   */
  decodeJpegs(
    executor: ExecutorHandle,
    decoder: JpegDecoderHandle,
    files: readonly Uint8Array[],
    transform: Transform,
  ): Promise<{ readonly images?: TensorHandle; readonly failed: readonly number[] }>;
  /** Softmax and top-k of logits [n, classes]: n·k classes and their probabilities, best first. */
  topk(
    executor: ExecutorHandle,
    logits: TensorHandle,
    k: number,
  ): Promise<{ indices: Int32Array; scores: Float32Array }>;
}
