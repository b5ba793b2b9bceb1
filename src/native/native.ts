import type { BatchTransform, DType, Pixels, Transform } from '../types';
import type { InstructionSet } from './instruction-set';
import type { Operations } from './operations';

declare const tag: unique symbol;
/**
 * A JavaScript object with a type tag, which owns a native object. Opaque to TypeScript. `Kind` is the
 * name that the addon uses in messages and in `memory()`.
 */
export interface Handle<Kind extends string> {
  readonly [tag]: Kind;
}

/** Worker threads that share one task queue. */
export type ExecutorHandle = Handle<'Executor'>;
/** A tensor of the addon, or one without LibTorch, which both addons accept. */
export type TensorHandle = Handle<'Tensor'>;
/** A model that runs on an executor. */
export type ModelHandle = Handle<'ScriptModule'> | Handle<'CompiledModel'> | VectorsHandle;
/** Vectors that are searched. */
export type VectorsHandle = Handle<'VectorStore'>;

/** A typed array that the addons accept. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** A kind of native object that `memory` counts. */
export type UsageKind =
  'Arena' | 'CompiledModel' | 'Executor' | 'MappedFile' | 'ScriptModule' | 'Tensor' | 'VectorStore';

/**
 * The functions of both addons: that of compiled models (`EngineNative`) and that of LibTorch (`TorchNative`).
 *
 * Asynchronous functions run on an executor thread; their promises settle on the JS thread. An executor
 * with one instance runs calls in order. All other functions run on the JS thread; those whose names end
 * in `Sync` block it until an executor thread has finished. Pending calls keep native objects alive, so
 * handles may be disposed or collected meanwhile. Every error is created by `makeError`; a closed
 * executor or a disposed handle raises `ERR_SEMISUP_DISPOSED`.
 */
export interface Native {
  /** The instruction set of the kernels, which does not change. */
  readonly instructionSet: InstructionSet;
  /**
   * Sets the functions that create errors and tensors. Must be called before all other functions. The addons that
   * are initialized with the same `packagePath` accept each other's tensors.
   */
  initialize(
    makeError: (code: string, what: string) => Error,
    makeTensor: (handle: TensorHandle) => object,
    packagePath: string,
  ): void;

  /** Drops queued jobs, waits for running ones and joins the threads of all executors. Idempotent. */
  shutdown(): void;

  /**
   * The number and total size in bytes of the live native objects of this Node environment (the main
   * thread or a worker), by kind.
   */
  memory(): Partial<Record<UsageKind, { count: number; bytes: number }>>;

  /**
   * Starts `instances` worker threads, each with `threads` intra-op threads; 0 means one per physical
   * core.
   *
   * @param isInBackground whether they have a low priority, and measure while no other executor runs a job
   */
  createExecutor(instances: number, threads: number, isInBackground: boolean): ExecutorHandle;
  /**
   * Closes the executor: refuses new jobs, waits for pending ones, then frees `model`, if given. The
   * handle of the model is disposed immediately.
   */
  closeExecutor(executor: ExecutorHandle, model: ModelHandle | undefined): Promise<void>;
  /**
   * Removes a job from the queue and rejects its promise with `ERR_SEMISUP_CANCELED`. If it is already
   * running, it no longer keeps the event loop alive, and a search ends early, with the same error.
   */
  cancelJob(executor: ExecutorHandle, jobId: number): void;
  /**
   * Cancels the queued jobs, and rejects the promises of the running ones with `ERR_SEMISUP_TIMEOUT`. Their
   * threads end with them, and others replace them.
   */
  abandonExecutor(executor: ExecutorHandle): void;

  describeTensor(tensor: TensorHandle): { dtype: DType; shape: number[]; device: string };
  /** Copies the elements, row-major, into `target`, which must have the tensor's dtype and length. */
  readTensor(tensor: TensorHandle, target: TypedArray): void;
  /** Shares the memory if the strides allow it. One dimension may be -1. */
  reshapeTensor(tensor: TensorHandle, shape: readonly number[]): TensorHandle;
  /**
   * The first and last `edge` entries of each dimension that is longer than both together. Allocates no
   * more than the result.
   */
  summarizeTensor(tensor: TensorHandle, edge: number): TensorHandle;
  /** A tensor without LibTorch, which shares the memory of a dense tensor on the CPU; others are copied. */
  toHostTensor(tensor: TensorHandle): TensorHandle;
  /** Releases the handle's reference; work in flight keeps its own. Idempotent. */
  disposeTensor(tensor: TensorHandle): void;

  /**
   * Resizes, crops and normalizes images into one float32 tensor [n * views, 3, crop, crop], RGB. The pixel
   * data is kept alive until the promise settles; it must not be written to or transferred.
   */
  batchImages(
    executor: ExecutorHandle,
    images: readonly Pixels[],
    transform: BatchTransform,
  ): Promise<TensorHandle>;
  /**
   * Augments images into one float32 tensor [n, 3, crop, crop], RGB, by the operations of each. The pixel data is kept
   * alive until the promise settles; it must not be written to or transferred.
   */
  augmentImages(
    executor: ExecutorHandle,
    images: readonly Pixels[],
    operations: readonly Operations[],
    transform: Transform,
  ): Promise<TensorHandle>;
  /**
   * Softmax and top-k of logits [n, classes]: class indices and probabilities [n, k], best first. Each row is divided by
   * its temperature, if there are any.
   */
  softmaxTopk(
    executor: ExecutorHandle,
    logits: TensorHandle,
    k: number,
    temperatures?: Float64Array,
  ): Promise<{ indices: Int32Array; probabilities: Float32Array }>;
}

/** The element type of vectors: `'float32'`, or `'bfloat16'` for half the memory. */
export type VectorPrecision = 'float32' | 'bfloat16';

/** Where the vectors of a file are, and how many. */
export interface VectorLayout {
  readonly dtype: VectorPrecision;
  readonly dimensions: number;
  /** In bytes; a multiple of 64. */
  readonly offset: number;
  readonly rows: number;
}

/** The nearest rows of n queries. */
export interface NearestRows {
  /** [n, k], the nearest first; -1 after the last row of a query that has fewer. */
  readonly rows: Int32Array;
  /** Their cosines. */
  readonly scores: Float32Array;
}

/** A method of a compiled model. */
export interface CompiledMethod {
  /** E.g. `'float32'`. */
  readonly precision: string;
  /** What its weights are packed for. */
  readonly instructionSet: InstructionSet;
  /** Whether it returns a list or a tuple of tensors, not one. */
  readonly returnsSequence: boolean;
}

/** The functions of the addon of compiled models, which does not depend on LibTorch. */
export interface EngineNative extends Native {
  /**
   * Copies `data`, row-major, into a new tensor. Throws `ERR_SEMISUP_TENSOR` unless its bytes match dtype
   * and shape. For bool, nonzero bytes become 1.
   */
  createTensor(data: TypedArray, dtype: DType, shape: readonly number[]): TensorHandle;
  /**
   * Maps a compiled model, or copies its bytes, which are kept alive until the promise settles; they must not be
   * written to or transferred. `methods` are those for this processor. Throws `ERR_SEMISUP_MODEL_FORMAT`, and
   * `ERR_SEMISUP_MODEL_PROCESSOR` if there are none; the message is a clause about the file.
   */
  openModel(
    executor: ExecutorHandle,
    file: string | Uint8Array,
  ): Promise<{
    readonly model: Handle<'CompiledModel'>;
    readonly metadata: string;
    readonly methods: Readonly<Record<string, CompiledMethod>>;
  }>;
  /** The metadata of a compiled model, also if it is for other processors. Throws `ERR_SEMISUP_MODEL_FORMAT`. */
  readMetadata(executor: ExecutorHandle, path: string): Promise<string>;
  /**
   * Runs a method on images, float32 [n, c, h, w], without LibTorch; returns float32 tensors. `outputs`, `jobId` and
   * `timeout` as in `TorchNative.callMethod`.
   */
  callMethod(
    executor: ExecutorHandle,
    model: Handle<'CompiledModel'>,
    method: string,
    images: TensorHandle,
    outputs: readonly number[] | undefined,
    jobId: number,
    timeout: number,
  ): Promise<TensorHandle[]>;

  /**
   * Creates an empty array of vectors of length 1, as rows in the order in which they are appended. The functions on
   * it require an executor with one instance.
   */
  createVectors(dtype: VectorPrecision, dimensions: number): VectorsHandle;
  /**
   * Maps the rows of a file, which must begin with `header`. Throws `ERR_SEMISUP_INDEX_FORMAT` and
   * `ERR_SEMISUP_INDEX_NOT_FOUND`; the message is a clause about the file.
   */
  openVectors(
    executor: ExecutorHandle,
    path: string,
    header: Uint8Array,
    layout: VectorLayout,
  ): Promise<VectorsHandle>;
  /**
   * Normalizes and appends vectors [n, dimensions], then removes the rows `removed`. The vectors are read while the
   * promise is pending.
   *
   * @returns the index of a vector that is infinite or NaN, if there is one: then nothing is changed
   */
  appendVectors(
    executor: ExecutorHandle,
    vectors: VectorsHandle,
    appended: Float32Array,
    removed: Int32Array,
  ): Promise<number | undefined>;
  /** Marks rows as removed. */
  removeVectors(executor: ExecutorHandle, vectors: VectorsHandle, rows: Int32Array): Promise<void>;
  /** Removes the marked rows from memory: the others move up. What was mapped is copied. */
  compactVectors(executor: ExecutorHandle, vectors: VectorsHandle): Promise<void>;
  /** Copies rows, as they are in a file, to `target`. */
  readVectors(
    executor: ExecutorHandle,
    vectors: VectorsHandle,
    first: number,
    count: number,
    target: Uint8Array,
  ): Promise<void>;
  /**
   * The `k` rows with the largest cosines of each query [n, dimensions], or all rows if there are fewer; of equal
   * cosines, the lower row first.
   */
  searchVectors(
    executor: ExecutorHandle,
    vectors: VectorsHandle,
    queries: Float32Array,
    k: number,
    jobId: number,
  ): Promise<NearestRows>;
  /**
   * Compares the rows from `first` to `first + count - 1` with all after each, below `parents.length`, and unites the
   * groups of pairs with a cosine of at least `threshold`. The group of a row is that of its parent, a lower row, or
   * itself. `parents` is written while the promise is pending.
   */
  uniteVectors(
    executor: ExecutorHandle,
    vectors: VectorsHandle,
    first: number,
    count: number,
    threshold: number,
    parents: Int32Array,
    jobId: number,
  ): Promise<void>;
  /** The cosine of each row of `a` with the row at the same index of `b`. */
  compareVectors(
    executor: ExecutorHandle,
    vectors: VectorsHandle,
    a: Int32Array,
    b: Int32Array,
  ): Promise<Float32Array>;
}
