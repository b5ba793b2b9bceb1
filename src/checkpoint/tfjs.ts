import { dirname, join } from 'node:path';
import { dtypeBytes, type DType } from '../types';
import { describeUntrusted, malformedError, toPrintable } from './errors';
import { JsonText, type JsonItem } from './json-items';
import { runInSlices, type Sliced } from './slices';
import { ByteSource, CheckpointFile } from './checkpoint-file';
import {
  contiguousStride,
  plainCheckpoint,
  type Checkpoint,
  type StoredTensor,
} from './state-dict';
import { pastEndError, isShape, storedTensor } from './stored-tensor';

/** The model.json of resnet50_baseline has 124 KB; large graph models have a few MB. */
const MAX_MODEL_BYTES = 2 ** 24;
const MAX_SHARDS = 1024;

const dtypes = new Map<unknown, DType>([
  ['float32', 'float32'],
  ['int32', 'int32'],
  ['uint8', 'uint8'],
  ['bool', 'bool'],
]);

interface Group {
  /** The files whose concatenation contains the tensors of the group. */
  shards: string[];
  tensors: { name: string; dtype: DType; shape: number[] }[];
}

/** Whether a file that begins with `head` is JSON text. */
export function isJson(head: Buffer): boolean {
  return head[0] === 0x7b && !head.includes(0);
}

/**
 * Opens the weights of a TensorFlow.js model: `model.json` lists groups of shards in its directory,
 * and the consecutive tensors of each group. Names and shapes are kept, e.g. `conv1/kernel` of shape
 * [height, width, in, out].
 */
export async function openTfjs(file: ByteSource): Promise<Checkpoint> {
  const groups = await readManifest(file);
  await file.close();
  const shards: CheckpointFile[] = [];
  const close = async () => {
    await Promise.all(shards.map((shard) => shard.close()));
  };
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const group of groups) {
      const first = shards.length;
      for (const name of group.shards) {
        shards.push(await CheckpointFile.open(join(dirname(file.path), name)));
      }
      locateGroup(new Concatenation(file.path, shards.slice(first)), group, tensors);
    }
    const files = [file.path, ...new Set(shards.map(({ path }) => path))];
    return plainCheckpoint({ path: file.path, tensors, close }, undefined, undefined, files);
  } catch (error) {
    await close();
    throw error;
  }
}

function locateGroup(
  shards: Concatenation,
  group: Group,
  tensors: Map<string, StoredTensor>,
): void {
  let at = 0;
  for (const { name, dtype, shape } of group.tensors) {
    if (tensors.has(name)) {
      throw malformedError(shards.path, `it has duplicate tensors named '${toPrintable(name)}'`);
    }
    const start = at;
    at += shape.reduce((product, side) => product * side, dtypeBytes[dtype]);
    if (at > shards.size) throw pastEndError(shards, name, at);
    const view = { dtype, shape, stride: contiguousStride(shape) };
    tensors.set(name, storedTensor(shards, name, start, view));
  }
  if (at !== shards.size) {
    throw malformedError(
      shards.path,
      `${shards.size - at} bytes of its shards belong to no tensor`,
    );
  }
}

/** The concatenation of several files. */
class Concatenation extends ByteSource {
  readonly path: string;
  readonly size: number;
  readonly #files: readonly CheckpointFile[];

  constructor(path: string, files: readonly CheckpointFile[]) {
    super();
    this.path = path;
    this.size = files.reduce((sum, file) => sum + file.size, 0);
    this.#files = files;
  }

  async fill(into: Buffer, start: number): Promise<void> {
    let fileStart = 0;
    for (const file of this.#files) {
      const fileEnd = fileStart + file.size;
      const from = Math.max(start, fileStart);
      const to = Math.min(start + into.length, fileEnd);
      if (from <= to) await file.fill(into.subarray(from - start, to - start), from - fileStart);
      fileStart = fileEnd;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#files.map((file) => file.close()));
  }
}

async function readManifest(file: ByteSource): Promise<Group[]> {
  if (file.size > MAX_MODEL_BYTES) {
    throw malformedError(file.path, `it is larger than ${MAX_MODEL_BYTES} bytes`);
  }
  return await runInSlices(parseManifest(await file.read(0, file.size), file.path));
}

/** Parses the manifest alone: the topology next to it is not needed. */
function* parseManifest(bytes: Buffer, path: string): Sliced<Group[]> {
  const text = new JsonText(bytes, path, 'it');
  const members = yield* text.items(yield* text.root());
  const manifest = members.find(({ name }) => name === 'weightsManifest');
  if (!manifest || !text.isArray(manifest)) {
    throw malformedError(path, 'it is JSON without the weightsManifest of TensorFlow.js');
  }
  const groups: Group[] = [];
  let shards = 0;
  for (const item of yield* text.items(manifest)) {
    const group = yield* groupOf(text, path, item);
    shards += group.shards.length;
    if (shards > MAX_SHARDS) throw malformedError(path, `it names more than ${MAX_SHARDS} shards`);
    groups.push(group);
    yield;
  }
  return groups;
}

function* groupOf(text: JsonText, path: string, group: JsonItem): Sliced<Group> {
  const members = yield* text.items(group);
  const paths = members.find(({ name }) => name === 'paths');
  const weights = members.find(({ name }) => name === 'weights');
  if (!paths || !weights || !text.isArray(paths) || !text.isArray(weights)) {
    throw malformedError(path, 'a group of its weightsManifest has no paths or no weights');
  }
  const shards: string[] = [];
  for (const item of yield* text.items(paths)) {
    shards.push(shardName(path, text.parse(item)));
    yield;
  }
  const tensors: Group['tensors'] = [];
  for (const item of yield* text.items(weights)) {
    tensors.push(weightOf(path, text.parse(item)));
    yield;
  }
  return { shards, tensors };
}

/** A shard path relative to `model.json`, which must not escape its directory. */
function shardName(path: string, name: unknown): string {
  const valid =
    typeof name === 'string' &&
    /^[^/\\:\0][^\\:\0]*$/.test(name) &&
    !name.split('/').includes('..');
  if (!valid)
    throw malformedError(path, `the path of its shard '${describeUntrusted(name)}' is not allowed`);
  return name;
}

function weightOf(path: string, weight: unknown): Group['tensors'][number] {
  const { name, shape, dtype: type, quantization } = (weight ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string') throw malformedError(path, 'one of its tensors has no name');
  const of = `its tensor '${toPrintable(name)}'`;
  if (quantization !== undefined) {
    throw malformedError(path, `${of} is quantized, but only full precision is supported`);
  }
  const dtype = dtypes.get(type);
  if (!dtype) {
    throw malformedError(
      path,
      `${of} has elements of the type ${describeUntrusted(type)}, which is unknown`,
    );
  }
  if (!isShape(shape)) throw malformedError(path, `${of} has no valid shape`);
  return { name, dtype, shape };
}
