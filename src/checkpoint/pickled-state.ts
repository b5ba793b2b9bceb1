import { dtypeBytes } from '../types';
import { malformedError, toPrintable } from './errors';
import type { ByteSource } from './checkpoint-file';
import { span, type StateDict, type StoredTensor } from './state-dict';
import { storedTensor } from './stored-tensor';
import { PickledTensor } from './torch-objects';

/** The keys under which training scripts store the state dict, next to the epoch and the optimizer. */
const WRAPPERS = ['state_dict', 'model_state_dict', 'model'];
/** The prefix that `torch.nn.DataParallel` adds to each name. */
const PARALLEL_PREFIX = 'module.';

/** The byte range of a storage in the file. */
export interface StorageRange {
  readonly start: number;
  readonly bytes: number;
}

/**
 * The named tensors of an unpickled object: a state dict, or a training checkpoint that contains one.
 * The prefix of DataParallel is removed.
 */
export function findTensors(value: unknown, path: string): Map<string, PickledTensor> {
  const tensors = new Map<string, PickledTensor>();
  for (const [name, tensor] of stateDictIn(value, path)) {
    if (typeof name !== 'string')
      throw malformedError(path, 'its state dict has a key that is not a string');
    if (!(tensor instanceof PickledTensor)) {
      throw malformedError(
        path,
        `the entry '${toPrintable(name)}' of its state dict is not a tensor`,
      );
    }
    tensors.set(name, tensor);
  }
  const names = [...tensors.keys()];
  if (!names.every((name) => name.startsWith(PARALLEL_PREFIX))) return tensors;
  return new Map([...tensors].map(([name, t]) => [name.slice(PARALLEL_PREFIX.length), t]));
}

function stateDictIn(value: unknown, path: string): Map<unknown, unknown> {
  if (!(value instanceof Map)) throw malformedError(path, 'it is not a state dict');
  for (const key of WRAPPERS) {
    const inner: unknown = value.get(key);
    if (inner instanceof Map) return inner;
  }
  return value;
}

/**
 * The state dict whose storages are at `ranges` of `file`.
 *
 * @throws CheckpointError if a tensor exceeds its storage, or a storage its range.
 */
export function locateTensors(
  file: ByteSource,
  tensors: ReadonlyMap<string, PickledTensor>,
  ranges: ReadonlyMap<string, StorageRange>,
): StateDict {
  const located = new Map<string, StoredTensor>();
  for (const [name, { storage, offset, shape, stride }] of tensors) {
    const { dtype, numel, begin, end } = storage;
    const range = ranges.get(storage.key);
    if (!range)
      throw malformedError(file.path, `the data of its tensor '${toPrintable(name)}' is missing`);
    if (range.bytes < numel * dtypeBytes[dtype] || begin + offset + span(shape, stride) > end) {
      throw malformedError(file.path, `its tensor '${toPrintable(name)}' exceeds its storage`);
    }
    const start = range.start + (begin + offset) * dtypeBytes[dtype];
    located.set(name, storedTensor(file, name, start, { dtype, shape, stride }));
  }
  return { path: file.path, tensors: located, close: () => file.close() };
}
