import { dtypeBytes, type DType } from '../types';
import { describeUntrusted, malformedError, toPrintable, truncatedError } from './errors';
import { JsonText, type JsonItem } from './json-items';
import { runInSlices, type Sliced } from './slices';
import type { ByteSource } from './checkpoint-file';
import {
  contiguousStride,
  plainCheckpoint,
  type Checkpoint,
  type StoredTensor,
} from './state-dict';
import { pastEndError, isIndex, isShape, storedTensor } from './stored-tensor';

/**
 * The maximum size of the header. It has about 100 bytes per tensor: 60 KB for ResNeXt-101, and with 4 MiB there
 * may be 40,000 tensors. The reference implementation allows 100 MB, which take seconds and a gigabyte to parse.
 */
const MAX_HEADER_BYTES = 2 ** 22;

const dtypes = new Map<unknown, DType>([
  ['F64', 'float64'],
  ['F32', 'float32'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['I64', 'int64'],
  ['I32', 'int32'],
  ['I16', 'int16'],
  ['I8', 'int8'],
  ['U8', 'uint8'],
  ['BOOL', 'bool'],
]);

/** Bits of an element of the format's other types, whose tensors are skipped. */
const opaqueBits = new Map<unknown, number>([
  ...(['F4'] as const).map((code) => [code, 4] as const),
  ...(['F6_E2M3', 'F6_E3M2'] as const).map((code) => [code, 6] as const),
  ...(['F8_E4M3', 'F8_E5M2', 'F8_E8M0'] as const).map((code) => [code, 8] as const),
  ['U16', 16],
  ['U32', 32],
  ['U64', 64],
  ['C64', 64],
]);

interface Entry {
  name: string;
  /** The format's name of the element type, e.g. `F32`. */
  code: string;
  /** Undefined if the type has no counterpart here. */
  dtype: DType | undefined;
  shape: number[];
  /** Where its bytes begin and end, counted from the end of the header. */
  begin: number;
  end: number;
}

/** Whether a file that begins with `head` is a safetensors file. */
export function isSafetensors(head: Buffer): boolean {
  // JSON text may also have a brace at byte 8, but contains no NUL; a valid length does.
  return head[8] === 0x7b && head.subarray(0, 8).includes(0);
}

/**
 * Opens safetensors: an 8-byte length, a JSON header, then the data without gaps or overlaps
 * (https://huggingface.co/docs/safetensors).
 */
export async function openSafetensors(file: ByteSource): Promise<Checkpoint> {
  const { text, dataStart } = await readHeader(file);
  const { entries, metadata } = await runInSlices(parseHeader(text, file.path));
  return await runInSlices(locateEntries(file, entries, metadata, dataStart));
}

function* parseHeader(
  bytes: Buffer,
  path: string,
): Sliced<{ entries: Entry[]; metadata: Map<string, string> }> {
  const text = new JsonText(bytes, path, 'its header');
  const root = yield* text.root();
  if (!text.isObject(root)) throw malformedError(path, 'its header is not a JSON object');
  let metadata = new Map<string, string>();
  const entries = new Map<string, Entry>();
  for (const item of yield* text.items(root)) {
    const name = item.name!;
    if (name === '__metadata__') {
      metadata = yield* metadataOf(text, item);
      continue;
    }
    if (entries.has(name)) {
      throw malformedError(path, `it has several tensors named '${toPrintable(name)}'`);
    }
    entries.set(name, entryOf(path, name, text.parse(item)));
    yield;
  }
  return { entries: [...entries.values()], metadata };
}

function* locateEntries(
  file: ByteSource,
  unsorted: readonly Entry[],
  metadata: Map<string, string>,
  dataStart: number,
): Sliced<Checkpoint> {
  const entries = unsorted.toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    yield;
    if (entry.begin !== end) {
      const fault = entry.begin < end ? 'overlaps another one' : 'follows a gap in the data';
      throw malformedError(file.path, `its tensor '${toPrintable(entry.name)}' ${fault}`);
    }
    end = entry.end;
    if (dataStart + end > file.size) throw pastEndError(file, entry.name, dataStart + end);
  }
  if (dataStart + end !== file.size) {
    throw malformedError(
      file.path,
      `${file.size - dataStart - end} bytes at its end belong to no tensor`,
    );
  }

  const tensors = new Map<string, StoredTensor>();
  const others = new Map<string, string>();
  for (const { name, code, dtype, shape, begin } of entries) {
    yield;
    if (dtype === undefined) {
      others.set(name, `torch.Tensor of ${code}`);
      continue;
    }
    const view = { dtype, shape, stride: contiguousStride(shape) };
    tensors.set(name, storedTensor(file, name, dataStart + begin, view));
  }
  return plainCheckpoint({ path: file.path, tensors, close: () => file.close() }, others, metadata);
}

/** The short strings of `__metadata__`, which the format defines as the only type. */
function* metadataOf(text: JsonText, item: JsonItem): Sliced<Map<string, string>> {
  const metadata = new Map<string, string>();
  if (!text.isObject(item)) return metadata;
  for (const entry of yield* text.items(item)) {
    const value = text.isSmall(entry) ? text.parse(entry) : undefined;
    if (typeof value === 'string') metadata.set(entry.name!, value);
    yield;
  }
  return metadata;
}

async function readHeader(file: ByteSource): Promise<{ text: Buffer; dataStart: number }> {
  const length = (await file.read(0, 8)).readBigUInt64LE();
  if (length > MAX_HEADER_BYTES) {
    throw malformedError(
      file.path,
      `its header claims ${length} bytes, but at most ${MAX_HEADER_BYTES} are allowed`,
    );
  }
  const dataStart = 8 + Number(length);
  if (dataStart > file.size) throw truncatedError(file.path, 'it ends within its header');
  return { text: await file.read(8, Number(length)), dataStart };
}

function entryOf(path: string, name: string, value: unknown): Entry {
  const of = `its tensor '${toPrintable(name)}'`;
  if (typeof value !== 'object' || value === null)
    throw malformedError(path, `${of} is not described`);
  const { dtype: code, shape, data_offsets: offsets } = value as Record<string, unknown>;
  const dtype = dtypes.get(code);
  const bits = dtype ? 8 * dtypeBytes[dtype] : opaqueBits.get(code);
  if (bits === undefined) {
    throw malformedError(
      path,
      `${of} has elements of the type ${describeUntrusted(code)}, which is unknown`,
    );
  }
  if (!isShape(shape)) throw malformedError(path, `${of} has no valid shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isIndex)) {
    throw malformedError(path, `${of} has no valid offsets`);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = Math.ceil(shape.reduce((product, side) => product * side, bits) / 8);
  if (end - begin !== bytes) {
    throw malformedError(path, `${of} has ${end - begin} bytes, but its shape requires ${bytes}`);
  }
  return { name, code: String(code), dtype, shape, begin, end };
}
