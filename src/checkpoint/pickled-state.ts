import { dtypeBytes } from '../types';
import { malformed, shown } from './failure';
import type { Bytes } from './file';
import { span, type StateDict, type StoredTensor } from './state-dict';
import { storedTensor } from './stored-tensor';
import { PickledTensor } from './torch-objects';

/** The keys under which training scripts put the state dict beside their epoch and optimizer. */
const WRAPPERS = ['state_dict', 'model_state_dict', 'model'];
/** What `torch.nn.DataParallel` puts before each name. */
const PARALLEL_PREFIX = 'module.';

/** Where the data of a storage lies in the file. */
export interface Place {
  readonly start: number;
  readonly bytes: number;
}

/**
 * The named tensors in what a pickle holds: the dictionary itself, or the one inside of a training
 * script's; without the prefix of DataParallel.
 */
export function namedTensors(value: unknown, path: string): Map<string, PickledTensor> {
  const tensors = new Map<string, PickledTensor>();
  for (const [name, tensor] of stateDictIn(value, path)) {
    if (typeof name !== 'string')
      throw malformed(path, 'its state dict has a name that is no text');
    if (!(tensor instanceof PickledTensor)) {
      throw malformed(path, `the entry '${shown(name)}' of its state dict is no tensor`);
    }
    tensors.set(name, tensor);
  }
  const names = [...tensors.keys()];
  if (!names.every((name) => name.startsWith(PARALLEL_PREFIX))) return tensors;
  return new Map([...tensors].map(([name, t]) => [name.slice(PARALLEL_PREFIX.length), t]));
}

function stateDictIn(value: unknown, path: string): Map<unknown, unknown> {
  if (!(value instanceof Map)) throw malformed(path, 'it holds something else than a state dict');
  for (const key of WRAPPERS) {
    const inner: unknown = value.get(key);
    if (inner instanceof Map) return inner;
  }
  return value;
}

/**
 * The state dict whose tensors lie in `file` where `places` says.
 *
 * @throws CheckpointError if a tensor reaches out of its storage, or a storage out of its place.
 */
export function placeTensors(
  file: Bytes,
  tensors: ReadonlyMap<string, PickledTensor>,
  places: ReadonlyMap<string, Place>,
): StateDict {
  const placed = new Map<string, StoredTensor>();
  for (const [name, { storage, offset, shape, stride }] of tensors) {
    const { dtype, numel, begin, end } = storage;
    const place = places.get(storage.key);
    if (!place) throw malformed(file.path, `the data of its tensor '${shown(name)}' is missing`);
    if (place.bytes < numel * dtypeBytes[dtype] || begin + offset + span(shape, stride) > end) {
      throw malformed(file.path, `its tensor '${shown(name)}' reaches out of its storage`);
    }
    const start = place.start + (begin + offset) * dtypeBytes[dtype];
    placed.set(name, storedTensor(file, name, start, { dtype, shape, stride }));
  }
  return { path: file.path, tensors: placed, close: () => file.close() };
}
