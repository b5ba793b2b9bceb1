import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contiguousStride, openCheckpoint, type StoredTensor } from '../../src/checkpoint';
import { dtypeBytes } from '../../src/types';
import { writeSafetensors } from './write-safetensors';

/** How make-wrappings.py saves a network; see there. */
export interface Wrapping {
  readonly name: string;
  readonly container?: 'zip' | 'legacy' | 'safetensors' | 'tfjs';
  readonly architecture?: string;
  readonly dtype?: string;
  readonly prefix?: string;
  /** The prefix of a second network in the same state dict. */
  readonly flat?: string;
  /** Metadata by key. */
  readonly strings?: Readonly<Record<string, string>>;
}

const extensions = { zip: 'pth', legacy: 'pth', safetensors: 'safetensors', tfjs: 'json' } as const;

/**
 * The path of a wrapping in `directory`, into which wrappings.tar.gz was extracted. The containers of
 * contiguous tensors, which would be too large to be committed, are written from one of its files.
 */
export async function writeWrapping(row: Wrapping, directory: string): Promise<string> {
  const path = pathOf(row, directory);
  const { container, architecture, dtype, prefix = '', flat, strings } = row;
  if (container !== 'safetensors' && container !== 'tfjs') return path;
  const tensors = new Map<string, StoredTensor>();
  const add = async (prefix: string, name: string, key: string) => {
    const network = await readNetwork(pathOf({ name }, directory), key);
    for (const [name, tensor] of network) tensors.set(prefix + name, tensor);
  };
  if (architecture) await add(prefix, 'resnet50_v1 as resnet50_baseline', 'state_dict');
  else await add(prefix, dtype && dtype !== 'float32' ? `zip, ${dtype}` : 'no prefix', '');
  if (flat) await add(flat, 'timm: state_dict and state_dict_ema', 'state_dict_ema');

  if (container === 'tfjs') await writeTfjs(tensors, path);
  else await writeSafetensors({ tensors }, path, { format: 'pt', ...strings });
  return path;
}

function pathOf({ name, container = 'zip' }: Wrapping, directory: string): string {
  return join(directory, `${name.replace(/[^a-z0-9]/gi, '-')}.${extensions[container]}`);
}

/** The tensors of a state dict, contiguous and in memory. */
async function readNetwork(path: string, key: string): Promise<Map<string, StoredTensor>> {
  const checkpoint = await openCheckpoint(path);
  const state = checkpoint.stateDicts.find((one) => one.key === key)!;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of state.tensors) {
    const { dtype, shape, stride } = tensor;
    const size = dtypeBytes[dtype];
    const bytes = await tensor.read();
    const copy = new Uint8Array(size * shape.reduce((product, side) => product * side, 1));
    let to = 0;
    const copyFrom = (from: number, dimension: number) => {
      if (dimension === shape.length) {
        for (let i = 0; i < size; i++) copy[to++] = bytes[from + i]!;
        return;
      }
      for (let i = 0; i < shape[dimension]!; i++) {
        copyFrom(from + i * stride[dimension]! * size, dimension + 1);
      }
    };
    copyFrom(0, 0);
    const read = () => Promise.resolve(copy);
    tensors.set(name, { dtype, shape, stride: contiguousStride(shape), read });
  }
  await checkpoint.close();
  return tensors;
}

/** Writes the float32 tensors as TensorFlow.js: a `model.json` at `path` and one shard. */
export async function writeTfjs(
  tensors: ReadonlyMap<string, StoredTensor>,
  path: string,
): Promise<void> {
  const floats = [...tensors].filter(([, { dtype }]) => dtype === 'float32');
  const shard = `${path}.bin`;
  await writeFile(
    shard,
    Buffer.concat(await Promise.all(floats.map(([, tensor]) => tensor.read()))),
  );
  const weights = floats.map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const paths = [shard.slice(Math.max(shard.lastIndexOf('/'), shard.lastIndexOf('\\')) + 1)];
  await writeFile(path, JSON.stringify({ weightsManifest: [{ paths, weights }] }));
}
