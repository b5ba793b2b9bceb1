import { malformedError, truncatedError } from './errors';
import type { ByteSource } from './checkpoint-file';
import {
  findStateDicts,
  locateTensors,
  tensorsIn,
  type PickledState,
  type StorageRange,
} from './pickled-state';
import { runInSlices, type Sliced } from './slices';
import type { Checkpoint } from './state-dict';
import { pastEndError } from './stored-tensor';
import type { OpaqueStorage, PickledStorage } from './torch-objects';
import { MAX_PICKLE_BYTES, TruncatedPickleError, unpickle } from './unpickler';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const FORMAT_VERSION = 1001;
/** Bytes to read first; the pickles of a ResNet-101 have about 80 KB. */
const FIRST_WINDOW = 2 ** 18;
/** Each storage is preceded by the number of its elements. */
const COUNT_BYTES = 8;

interface Index {
  /** The saved object. */
  value: unknown;
  storages: ReadonlyMap<string, PickledStorage | OpaqueStorage>;
  /** The keys of the storages, in the order of their data. */
  keys: unknown[];
  /** Offset of the data. */
  end: number;
}

/** Whether a file that begins with `head` is a binary pickle. */
export function isPickle(head: Buffer): boolean {
  return head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5;
}

/**
 * Opens the format of `torch.save` before PyTorch 1.6, or with
 * `_use_new_zipfile_serialization=False`: pickles of a magic number, the format version, the system,
 * the saved object and the storage keys; then the storages, each preceded by its element count.
 */
export async function openLegacyPth(file: ByteSource): Promise<Checkpoint> {
  const index = await readIndex(file);
  const state = await runInSlices(findStateDicts(index.value, file.path));
  return locateTensors(file, state, await findStorages(file, index, state));
}

async function readIndex(file: ByteSource): Promise<Index> {
  for (let window = FIRST_WINDOW; window <= MAX_PICKLE_BYTES; window *= 16) {
    try {
      const bytes = await file.read(0, Math.min(window, file.size));
      return await runInSlices(parseIndex(bytes, file.path));
    } catch (error) {
      if (!(error instanceof TruncatedPickleError)) throw error;
      if (window >= file.size) throw truncatedError(file.path, 'it ends within its pickle', error);
    }
  }
  throw malformedError(file.path, `its pickle is larger than ${MAX_PICKLE_BYTES} bytes`);
}

function* parseIndex(bytes: Buffer, path: string): Sliced<Index> {
  const magic = yield* unpickle(bytes, 0, path);
  if (magic.value !== MAGIC)
    throw malformedError(path, 'it is a pickle that torch.save did not write');
  const version = yield* unpickle(bytes, magic.end, path);
  if (version.value !== FORMAT_VERSION) throw malformedError(path, 'its format version is unknown');
  const machine = yield* unpickle(bytes, version.end, path);
  if (!(machine.value instanceof Map) || machine.value.get('little_endian') !== true) {
    throw malformedError(path, 'it was not saved on a little-endian machine');
  }
  const { value, storages, end: keysStart } = yield* unpickle(bytes, machine.end, path);
  const { value: keys, end } = yield* unpickle(bytes, keysStart, path);
  if (!Array.isArray(keys)) throw malformedError(path, 'the list of its storages is damaged');
  return { value, storages, keys, end };
}

async function findStorages(
  file: ByteSource,
  { storages, keys, end }: Index,
  state: PickledState,
): Promise<Map<string, StorageRange>> {
  const ranges = new Map<string, StorageRange>();
  let at = end;
  for (const key of keys) {
    const storage = storages.get(key as string);
    if (!storage || ranges.has(storage.key)) {
      throw malformedError(file.path, 'the list of its storages does not match its tensors');
    }
    const start = at + COUNT_BYTES;
    if (storage.elementBytes === undefined) {
      throw malformedError(file.path, 'it has storages of a type that is not supported');
    }
    const bytes = storage.numel * storage.elementBytes;
    at = start + bytes;
    if (!(at <= file.size)) throw pastEndError(file, tensorNameOf(storage, state), at);
    const count = await file.read(start - COUNT_BYTES, COUNT_BYTES);
    if (count.readBigInt64LE() !== BigInt(storage.numel)) {
      throw malformedError(
        file.path,
        `the data of '${tensorNameOf(storage, state)}' has a different length than its pickle states`,
      );
    }
    ranges.set(storage.key, { start, bytes });
  }
  return ranges;
}

/** The name of a tensor that uses a storage, for error messages. */
function tensorNameOf(storage: { readonly key: string }, state: PickledState): string {
  for (const [name, tensor] of tensorsIn(state)) {
    if (tensor.storage.key === storage.key) return name;
  }
  return `storage ${storage.key}`;
}
