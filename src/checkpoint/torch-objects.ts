import { dtypeBytes, type DType } from '../types';
import { InertGlobal, InertObject } from './inert';
import { isIndex, isShape } from './stored-tensor';
import { isUnsafeGlobal } from './unsafe-globals';

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

/** An array of elements of a type without a counterpart here, such as complex64. */
export class OpaqueStorage {
  constructor(
    readonly key: string,
    /** The Python type of the storage. */
    readonly type: string,
    readonly numel: number,
  ) {}

  /** Bytes per element; undefined if the type is unknown. */
  get elementBytes(): number | undefined {
    return opaqueBytes[this.type];
  }
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

  get elementBytes(): number {
    return dtypeBytes[this.dtype];
  }
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

const opaqueBytes: Readonly<Record<string, number>> = {
  'torch.ComplexFloatStorage': 8,
  'torch.ComplexDoubleStorage': 16,
  'torch.QInt8Storage': 1,
  'torch.QUInt8Storage': 1,
  'torch.QInt32Storage': 4,
};

const constructors: Readonly<Record<string, Constructor['make']>> = {
  'builtins.getattr': attributeOf,
  'collections.OrderedDict': orderedDict,
  'collections.defaultdict': () => new Map(),
  'torch.Size': ([sides]) => sides,
  'torch._tensor._rebuild_from_type_v2': rebuildSubclass,
  'torch._utils._rebuild_parameter': rebuildParameter,
  'torch._utils._rebuild_parameter_with_state': rebuildParameter,
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
};

/** The globals that are implemented here. All others are inert, or refused by `isUnsafeGlobal`. */
export const globals: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...Object.entries(constructors).map(
    ([name, make]) => [name, new Constructor(name, make)] as const,
  ),
  ...Object.entries(storageTypes).map(([name, dtype]) => [name, new StorageType(dtype)] as const),
  ...Object.keys(dtypeBytes).map((dtype) => [`torch.${dtype}`, `torch.${dtype}`] as const),
]);

/** More than the tensors of any network. */
const MAX_PAIRS = 2 ** 16;

/**
 * Python 3 passes no arguments, Python 2 a list of pairs. The list is emptied, because a hostile pickle
 * could otherwise copy a long list repeatedly.
 */
function orderedDict([pairs = []]: readonly unknown[]): Map<unknown, unknown> | undefined {
  if (!Array.isArray(pairs) || pairs.length > MAX_PAIRS) return undefined;
  if (!pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) {
    return undefined;
  }
  return new Map(pairs.splice(0) as [unknown, unknown][]);
}

/** How pickles refer to a nested class or a member of an enum; no other attribute can be reached. */
function attributeOf([owner, name]: readonly unknown[]): InertGlobal | undefined {
  if (!(owner instanceof InertGlobal) || typeof name !== 'string') return undefined;
  const attribute = `${owner.name}.${name}`;
  return isUnsafeGlobal(attribute) ? undefined : new InertGlobal(attribute);
}

function rebuildParameter([tensor]: readonly unknown[]): unknown {
  return tensor instanceof PickledTensor || tensor instanceof InertObject ? tensor : undefined;
}

/** A tensor of a subclass, or with attributes: `(function, class, arguments, state)`. */
function rebuildSubclass([rebuild, type, args]: readonly unknown[]): unknown {
  if (rebuild instanceof Constructor && Array.isArray(args)) return rebuild.make(args);
  return new InertObject(type instanceof InertGlobal ? type.name : 'torch.Tensor');
}

function rebuildTensor([storage, offset, shape, stride]: readonly unknown[]): unknown {
  if (storage instanceof OpaqueStorage) return new InertObject(`torch.Tensor of ${storage.type}`);
  if (!(storage instanceof PickledStorage) || !isIndex(offset) || !isShape(shape)) return undefined;
  if (!Array.isArray(stride) || stride.length !== shape.length || !stride.every(isIndex)) {
    return undefined;
  }
  // Copy the lists, because the pickle may append to them later.
  return new PickledTensor(storage, offset, [...shape], [...stride]);
}

/**
 * The object that a persistent id describes: a storage, `('storage', type, key, location, numel)`, and in the
 * legacy form a sixth item: None, or `(key, begin, length)` of the referenced part; or a class with its source
 * code, `('module', class, file, source)`.
 */
export function loadPersistent(
  id: unknown,
): PickledStorage | OpaqueStorage | InertGlobal | undefined {
  if (!Array.isArray(id)) return undefined;
  const [kind, type, key, , numel, part] = id as unknown[];
  if (kind === 'module' && type instanceof InertGlobal) return type;
  if (kind !== 'storage' || typeof key !== 'string' || !isIndex(numel)) return undefined;
  if (type instanceof InertGlobal) return new OpaqueStorage(key, type.name, numel);
  if (!(type instanceof StorageType)) return undefined;
  if (part === undefined || part === null) {
    return new PickledStorage(key, type.dtype, numel, 0, numel);
  }
  if (!Array.isArray(part)) return undefined;
  const [, begin, length] = part as unknown[];
  if (!isIndex(begin) || !isIndex(length) || begin + length > numel) return undefined;
  return new PickledStorage(key, type.dtype, numel, begin, begin + length);
}
