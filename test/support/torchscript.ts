import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import type { DType } from '../../src/types';
import { Tensor } from '../../src/native';
import { ScriptModule, type ScriptModuleOptions, type ScriptValue } from '../../src/torch';
import { typedArrayClasses } from '../../src/native/tensor-data';

const fixturesDirectory = join(__dirname, '..', '40.torch', 'fixtures');

/** The path of a TorchScript archive of `test/40.torch/fixtures`. */
export function fixture(name: string): string {
  return join(fixturesDirectory, `${name}.pt`);
}

/** Loads a TorchScript archive of `test/40.torch/fixtures`. */
export async function loadFixture(
  name: string,
  options: ScriptModuleOptions = {},
): Promise<ScriptModule> {
  return await ScriptModule.load(fixture(name), options);
}

/** A value as `make-fixtures.py` writes it, with a tag for types that JSON does not distinguish. */
type Encoded =
  | null
  | boolean
  | string
  | { int: string }
  | { float: string }
  | { tensor: EncodedTensor }
  | { array: Encoded[] }
  | { object: [string, Encoded][] }
  | { map: [Encoded, Encoded][] };

interface EncodedTensor {
  readonly dtype: DType;
  readonly shape: number[];
  readonly bytes: string;
}

interface Goldens {
  readonly calls: {
    readonly module: string;
    readonly method: string;
    readonly args: Encoded[];
    readonly kwargs: [string, Encoded][];
    readonly result: Encoded;
    readonly inputAfterwards?: Encoded;
  }[];
  readonly state: [string, Encoded][];
  readonly printed: { readonly tensor: EncodedTensor; readonly text: string }[];
  readonly widened: { dtype: 'float16' | 'bfloat16'; bits: number[]; float32: number[] }[];
  readonly nested: { data: number[][]; dtype: DType; tensor: EncodedTensor }[];
  readonly narrowed: { dtype: 'float16' | 'bfloat16'; numbers: number[]; bits: number[] }[];
}

/** The results of PyTorch in Python for the fixtures. */
export const goldens = JSON.parse(
  readFileSync(join(fixturesDirectory, 'goldens.json'), 'utf8'),
) as Goldens;

export function decodeTensor({ dtype, shape, bytes }: EncodedTensor): Tensor {
  const inflated = Uint8Array.from(inflateSync(Buffer.from(bytes, 'base64')));
  return Tensor.from(new typedArrayClasses[dtype](inflated.buffer), shape, dtype);
}

export function decode(value: Encoded): ScriptValue {
  if (value === null || typeof value !== 'object') return value;
  if ('int' in value) {
    return Number.isSafeInteger(Number(value.int)) ? Number(value.int) : BigInt(value.int);
  }
  if ('float' in value) return Number(value.float);
  if ('tensor' in value) return decodeTensor(value.tensor);
  if ('array' in value) return value.array.map(decode);
  if ('map' in value) return new Map(value.map.map(([key, item]) => [decode(key), decode(item)]));
  return Object.fromEntries(value.object.map(([name, item]) => [name, decode(item)]));
}

/** Replaces each tensor by its contents for a comparison. */
export function legible(value: ScriptValue): unknown {
  if (value instanceof Tensor) {
    return { dtype: value.dtype, shape: [...value.shape], data: value.dataSync() };
  }
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [key, legible(item as ScriptValue)]));
  }
  if (Array.isArray(value)) return value.map((item) => legible(item as ScriptValue));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, legible(item as ScriptValue)]),
  );
}
