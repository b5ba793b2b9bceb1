import { dtypeBytes, type DType } from '../types';
import { isIndex, isShape } from './stored-tensor';

/** A callable that a pickle may use: a function of this file that returns `undefined` for invalid arguments. */
export class Constructor {
  constructor(
    readonly name: string,
    readonly make: (args: readonly unknown[]) => unknown,
  ) {}
}

/** A class such as `torch.FloatStorage`, which determines the dtype of a storage. */
class StorageType {
  constructor(readonly dtype: DType) {}
}

/** An array of elements outside the pickle, or the part of it from `begin` to `end`, in elements. */
export class PickledStorage {
  constructor(
    readonly key: string,
    readonly dtype: DType,
    /** Elements of the whole array. */
    readonly numel: number,
    readonly begin: number,
    readonly end: number,
  ) {}
}

/** A tensor as a pickle describes it: a strided view of a storage, not yet checked against it. */
export class PickledTensor {
  constructor(
    readonly storage: PickledStorage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly stride: readonly number[],
  ) {}
}

const storageTypes: Readonly<Record<string, DType>> = {
  'torch.FloatStorage': 'float32',
  'torch.DoubleStorage': 'float64',
  'torch.HalfStorage': 'float16',
  'torch.BFloat16Storage': 'bfloat16',
  'torch.CharStorage': 'int8',
  'torch.ByteStorage': 'uint8',
  'torch.ShortStorage': 'int16',
  'torch.IntStorage': 'int32',
  'torch.LongStorage': 'int64',
  'torch.BoolStorage': 'bool',
  'torch.storage.UntypedStorage': 'uint8',
};

const constructors: Readonly<Record<string, Constructor['make']>> = {
  'collections.OrderedDict': orderedDict,
  'torch.Size': ([sides]) => sides,
  'torch._utils._rebuild_parameter': ([tensor]) =>
    tensor instanceof PickledTensor ? tensor : undefined,
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
};

/** The allow-list: every global that a pickle may use, and its implementation here. */
export const globals: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...Object.entries(constructors).map(
    ([name, make]) => [name, new Constructor(name, make)] as const,
  ),
  ...Object.entries(storageTypes).map(([name, dtype]) => [name, new StorageType(dtype)] as const),
  ...Object.keys(dtypeBytes).map((dtype) => [`torch.${dtype}`, `torch.${dtype}`] as const),
]);

/**
 * Python 3 passes no arguments, Python 2 a list of pairs. The list is emptied, because a hostile pickle
 * could otherwise copy a long list repeatedly.
 */
function orderedDict([pairs = []]: readonly unknown[]): Map<unknown, unknown> | undefined {
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) {
    return undefined;
  }
  return new Map(pairs.splice(0) as [unknown, unknown][]);
}

function rebuildTensor([storage, offset, shape, stride]: readonly unknown[]): unknown {
  if (!(storage instanceof PickledStorage) || !isIndex(offset) || !isShape(shape)) return undefined;
  if (!Array.isArray(stride) || stride.length !== shape.length || !stride.every(isIndex)) {
    return undefined;
  }
  // Copy the lists, because the pickle may append to them later.
  return new PickledTensor(storage, offset, [...shape], [...stride]);
}

/**
 * The storage that a persistent id describes: `('storage', type, key, location, numel)`, and in the
 * legacy form a sixth item: None, or `(key, begin, length)` of the referenced part.
 */
export function loadStorage(id: unknown): PickledStorage | undefined {
  if (!Array.isArray(id)) return undefined;
  const [kind, type, key, , numel, part] = id as unknown[];
  if (kind !== 'storage' || !(type instanceof StorageType)) return undefined;
  if (typeof key !== 'string' || !isIndex(numel)) return undefined;
  if (part === undefined || part === null) {
    return new PickledStorage(key, type.dtype, numel, 0, numel);
  }
  if (!Array.isArray(part)) return undefined;
  const [, begin, length] = part as unknown[];
  if (!isIndex(begin) || !isIndex(length) || begin + length > numel) return undefined;
  return new PickledStorage(key, type.dtype, numel, begin, begin + length);
}
