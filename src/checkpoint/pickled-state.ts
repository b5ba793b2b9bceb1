import { dtypeBytes } from '../types';
import type { ByteSource } from './checkpoint-file';
import { describeUntrusted, malformedError, noStateDictError, toPrintable } from './errors';
import { InertGlobal, InertObject } from './inert';
import { span, type Checkpoint, type StoredTensor } from './state-dict';
import type { Sliced } from './slices';
import { storedTensor } from './stored-tensor';
import { PickledTensor } from './torch-objects';

/** State dicts and metadata are searched this deep in the saved object. */
const MAX_DEPTH = 6;
/** Longer strings, such as a log, are not metadata. */
const MAX_TEXT_LENGTH = 200;
const MAX_TEXTS = 4096;
const MAX_KEY_LENGTH = 1000;

/** The byte range of a storage in the file. */
export interface StorageRange {
  readonly start: number;
  readonly bytes: number;
}

/** What a saved object contains; see `Checkpoint`. */
export interface PickledState {
  readonly stateDicts: readonly PickledStateDict[];
  readonly metadata: ReadonlyMap<string, string>;
  readonly modules: ReadonlyMap<string, string>;
}

interface PickledStateDict {
  readonly key: string;
  readonly tensors: ReadonlyMap<string, PickledTensor>;
  readonly others: ReadonlyMap<string, string>;
}

/**
 * Finds every dictionary with tensors in an unpickled object, in the order of the file: a state dict, or those
 * of a training checkpoint, including the optimizer's.
 *
 * @throws CheckpointError if there is none
 */
export function* findStateDicts(value: unknown, path: string): Sliced<PickledState> {
  const stateDicts: PickledStateDict[] = [];
  const metadata = new Map<string, string>();
  const modules = new Map<string, string>();
  const visited = new Set<unknown>();
  // Not recursive, and each object is visited once: a pickle may contain itself.
  const pending = [{ key: '', value, depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    yield;
    const { key, value, depth } = next;
    if (typeof value === 'string' && value.length <= MAX_TEXT_LENGTH && metadata.size < MAX_TEXTS) {
      metadata.set(key, value);
    }
    if (visited.has(value) || depth > MAX_DEPTH) continue;
    if (typeof value === 'object') visited.add(value);
    if (isModule(value)) {
      modules.set(key, value.type);
      continue;
    }
    const stateDict = yield* stateDictOf(key, value);
    if (stateDict.tensors.size > 0) stateDicts.push(stateDict);
    const children: typeof pending = [];
    for (const [name, child] of childrenOf(value)) {
      yield;
      const isText = typeof child === 'string';
      const isContainer = typeof child === 'object' && !(child instanceof PickledTensor);
      if (!(isText || isContainer) || key.length + name.length > MAX_KEY_LENGTH) continue;
      children.push({ key: key ? `${key}.${name}` : name, value: child, depth: depth + 1 });
    }
    for (const child of children.reverse()) pending.push(child);
  }
  if (stateDicts.length === 0) throw noStateDictError(path, describeContent(value, modules));
  return { stateDicts, metadata, modules };
}

/** Whether an object is a pickled `torch.nn.Module`. */
function isModule(value: unknown): value is InertObject {
  if (!(value instanceof InertObject) || !(value.state instanceof Map)) return false;
  return value.state.has('_parameters') && value.state.has('_modules');
}

/** The items of a container by name: of a dictionary, a list, or an object with attributes. */
function* childrenOf(value: unknown): Iterable<[string, unknown]> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield [String(index), item];
  } else if (value instanceof InertObject) {
    yield* namedEntries(value.entries);
    if (value.state instanceof Map) yield* namedEntries(value.state);
  } else if (value instanceof Map) {
    yield* namedEntries(value);
  }
}

/** The entries with a string or a number, such as an optimizer's parameter index, as the key. */
function* namedEntries(map: ReadonlyMap<unknown, unknown>): Iterable<[string, unknown]> {
  for (const [key, value] of map) {
    if (typeof key === 'string' || typeof key === 'number') yield [String(key), value];
  }
}

function* stateDictOf(key: string, container: unknown): Sliced<PickledStateDict> {
  const tensors = new Map<string, PickledTensor>();
  const others = new Map<string, string>();
  const stateDict = { key, tensors, others };
  // The items of a list have no names.
  if (Array.isArray(container)) return stateDict;
  for (const [name, value] of childrenOf(container)) {
    yield;
    if (value instanceof PickledTensor) tensors.set(name, value);
    else others.set(name, describeType(value));
  }
  return stateDict;
}

function describeContent(value: unknown, modules: ReadonlyMap<string, string>): string {
  for (const [key, type] of modules) {
    const what = key ? `its entry '${toPrintable(key)}' is` : 'it is';
    return `${what} a pickled object of the class ${toPrintable(type)}`;
  }
  if (!(value instanceof Map)) return `it is a value of the type ${describeType(value)}`;
  for (const [name, entry] of value) {
    return `its entry '${describeUntrusted(name)}' has the type ${describeType(entry)}, and none is a tensor`;
  }
  return 'it is an empty dict';
}

/** The Python type of an unpickled value. */
function describeType(value: unknown): string {
  if (value instanceof InertObject) return toPrintable(value.type);
  if (value instanceof InertGlobal) return 'type';
  if (value === null) return 'NoneType';
  if (Array.isArray(value)) return 'list';
  if (value instanceof Map) return 'dict';
  if (value instanceof Set) return 'set';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return typeof value === 'bigint' ? 'int' : 'object';
}

/**
 * The checkpoint whose storages are at `ranges` of `file`.
 *
 * @throws CheckpointError if a tensor exceeds its storage, or a storage its range.
 */
export function locateTensors(
  file: ByteSource,
  { stateDicts, metadata, modules }: PickledState,
  ranges: ReadonlyMap<string, StorageRange>,
): Checkpoint {
  const located = stateDicts.map(({ key, tensors, others }) => {
    const entries = [...tensors].map(
      ([name, tensor]) => [name, locateTensor(file, name, tensor, ranges)] as const,
    );
    return { key, tensors: new Map(entries), others };
  });
  return {
    path: file.path,
    files: [file.path],
    stateDicts: located,
    metadata,
    modules,
    close: () => file.close(),
  };
}

function locateTensor(
  file: ByteSource,
  name: string,
  { storage, offset, shape, stride }: PickledTensor,
  ranges: ReadonlyMap<string, StorageRange>,
): StoredTensor {
  const { dtype, numel, begin, end } = storage;
  const range = ranges.get(storage.key);
  if (!range)
    throw malformedError(file.path, `the data of its tensor '${toPrintable(name)}' is missing`);
  if (range.bytes < numel * dtypeBytes[dtype] || begin + offset + span(shape, stride) > end) {
    throw malformedError(file.path, `its tensor '${toPrintable(name)}' exceeds its storage`);
  }
  const start = range.start + (begin + offset) * dtypeBytes[dtype];
  return storedTensor(file, name, start, { dtype, shape, stride });
}

/** All tensors of the state dicts, with their names. */
export function* tensorsIn({ stateDicts }: PickledState): Generator<[string, PickledTensor]> {
  for (const { tensors } of stateDicts) yield* tensors;
}
