import type { DType } from '../types';

/** One tensor of a checkpoint, described but not yet read. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /**
   * Step per dimension, in elements, as PyTorch's `Tensor.stride()`; never negative. A step of 0
   * repeats an element, so that a shape may have more elements than the file.
   */
  readonly stride: readonly number[];
  /**
   * Reads the bytes of the view, little-endian, into newly allocated memory: its memory extent of
   * `span(shape, stride)` elements. An empty tensor returns no bytes.
   *
   * @throws CheckpointError if the file has shrunk or cannot be read.
   * @throws DisposedError after `StateDict.close()`.
   */
  read(): Promise<Uint8Array>;
}

/** The named tensors of a checkpoint, read one at a time, so that the file is never in memory as a whole. */
export interface StateDict {
  /** The file or directory, for error messages. */
  readonly path: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Closes the file. Idempotent; `read()` fails afterwards. */
  close(): Promise<void>;
}

/** One of the dictionaries of a checkpoint that contain tensors, with the names of the file. */
export interface NestedStateDict {
  /** Where it is in the saved object, e.g. `state_dict_ema` or `ema.module`; empty for the object itself. */
  readonly key: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Its other entries: the Python type of each by name, e.g. `numpy.ndarray`. */
  readonly others: ReadonlyMap<string, string>;
}

/** A checkpoint: one or several state dicts, and what a training script saved next to them. */
export interface Checkpoint {
  /** The file or directory, for error messages. */
  readonly path: string;
  /** All files that its tensors and their description are read from; of these, `path` is the first. */
  readonly files: readonly string[];
  /** At least one, in the order of the file. */
  readonly stateDicts: readonly NestedStateDict[];
  /** The strings next to the tensors by dotted key, e.g. `arch` or `args.model`. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The Python class of each pickled `torch.nn.Module` by key; its weights are not read. */
  readonly modules: ReadonlyMap<string, string>;
  /** Closes the file. Idempotent; `read()` of a tensor fails afterwards. */
  close(): Promise<void>;
}

/** A checkpoint that is a single state dict. */
export function plainCheckpoint(
  state: StateDict,
  others: NestedStateDict['others'] = new Map(),
  metadata: Checkpoint['metadata'] = new Map(),
  files: Checkpoint['files'] = [state.path],
): Checkpoint {
  const { path, tensors } = state;
  return {
    path,
    files,
    stateDicts: [{ key: '', tensors, others }],
    metadata,
    modules: new Map(),
    close: () => state.close(),
  };
}

/** PyTorch's contiguous (row-major) strides of a shape, in elements. */
export function contiguousStride(shape: readonly number[]): number[] {
  const stride = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    stride[i] = step;
    step *= Math.max(shape[i]!, 1);
  }
  return stride;
}

/** The memory extent of a strided view, from its first to its last element, in elements. */
export function span(shape: readonly number[], stride: readonly number[]): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((last, side, i) => last + (side - 1) * stride[i]!, 1);
}
