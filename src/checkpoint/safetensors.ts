import { dtypeBytes, type DType } from '../types';
import { malformedError, toPrintable, truncatedError } from './errors';
import type { ByteSource } from './checkpoint-file';
import {
  contiguousStride,
  plainCheckpoint,
  type Checkpoint,
  type StoredTensor,
} from './state-dict';
import { pastEndError, isIndex, isShape, storedTensor } from './stored-tensor';

/** The limit of the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;

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
  const { header, dataStart } = await readHeader(file);
  const entries = Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => entryOf(file.path, name, value))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);

  let end = 0;
  for (const entry of entries) {
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
    if (dtype === undefined) {
      others.set(name, `torch.Tensor of ${code}`);
      continue;
    }
    const view = { dtype, shape, stride: contiguousStride(shape) };
    tensors.set(name, storedTensor(file, name, dataStart + begin, view));
  }
  const metadata = metadataOf(header);
  return plainCheckpoint({ path: file.path, tensors, close: () => file.close() }, others, metadata);
}

/** The strings of `__metadata__`, which the format defines as the only type. */
function metadataOf(header: object): Map<string, string> {
  const { __metadata__: metadata = null } = header as Record<string, unknown>;
  if (typeof metadata !== 'object' || metadata === null) return new Map();
  const entries = Object.entries(metadata as Record<string, unknown>);
  return new Map(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

async function readHeader(file: ByteSource): Promise<{ header: object; dataStart: number }> {
  const length = (await file.read(0, 8)).readBigUInt64LE();
  if (length > MAX_HEADER_BYTES) {
    throw malformedError(
      file.path,
      `its header claims ${length} bytes, but at most 100 MB are allowed`,
    );
  }
  const dataStart = 8 + Number(length);
  if (dataStart > file.size) throw truncatedError(file.path, 'it ends within its header');
  const text = await file.read(8, Number(length));
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (cause) {
    throw malformedError(file.path, 'its header is not JSON', cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw malformedError(file.path, 'its header is not a JSON object');
  }
  return { header, dataStart };
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
      `${of} has elements of the type ${toPrintable(String(code))}, which is unknown`,
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
