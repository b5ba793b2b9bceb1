import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  openCheckpoint,
  span,
  type NestedStateDict,
  type StateDict,
  type StoredTensor,
} from '../../src/checkpoint';
import { dtypeBytes, type DType } from '../../src/types';
import { CheckpointError } from '../../src/errors';

const fixtures = join(__dirname, '../20.checkpoint/fixtures');

/** The path of a file that `make-fixtures.py` wrote. */
export function fixture(name: string): string {
  return join(fixtures, name);
}

/** The contents of a tensor, its elements in row-major order. */
export interface ReadTensor {
  dtype: DType;
  shape: readonly number[];
  values: (number | boolean)[];
}

/** The contents of the fixtures of `state` as PyTorch reads them. */
export function expected(state: 'tensors' | 'module' | 'contiguous'): Record<string, ReadTensor> {
  const all = JSON.parse(readFileSync(fixture('expected.json'), 'utf8')) as Record<
    string,
    Record<string, ReadTensor>
  >;
  return all[state]!;
}

/** Opens a checkpoint for its first state dict. */
export async function openStateDict(path: string): Promise<StateDict> {
  const checkpoint = await openCheckpoint(path);
  const [{ tensors }] = checkpoint.stateDicts as [NestedStateDict];
  return { path, tensors, close: () => checkpoint.close() };
}

/** Reads all tensors of the first state dict of a checkpoint. */
export async function readAll(path: string): Promise<Record<string, ReadTensor>> {
  const state = await openStateDict(path);
  try {
    const read: Record<string, ReadTensor> = {};
    for (const [name, tensor] of state.tensors) read[name] = await readTensor(tensor);
    return read;
  } finally {
    await state.close();
  }
}

export async function readTensor(tensor: StoredTensor): Promise<ReadTensor> {
  const { dtype, shape, stride } = tensor;
  const bytes = await tensor.read();
  assert.equal(bytes.length, span(shape, stride) * dtypeBytes[dtype]);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = offsets(shape, stride).map((offset) =>
    readElement[dtype]!(view, offset * dtypeBytes[dtype]),
  );
  return { dtype, shape, values };
}

/** Asserts that a checkpoint is rejected with `code` and a matching message. */
export async function assertRejected(path: string, code: string, message: RegExp): Promise<void> {
  await assert.rejects(readAll(path), (error) => {
    assert(error instanceof CheckpointError, String(error));
    assert.equal(error.code, `ERR_SEMISUP_CHECKPOINT_${code}`, error.message);
    assert.match(error.message, message);
    return true;
  });
}

function offsets(shape: readonly number[], stride: readonly number[]): number[] {
  return shape.reduce(
    (starts, side, i) =>
      starts.flatMap((start) => Array.from({ length: side }, (_, j) => start + j * stride[i]!)),
    [0],
  );
}

const readElement: Partial<Record<DType, (view: DataView, at: number) => number | boolean>> = {
  float32: (view, at) => view.getFloat32(at, true),
  float64: (view, at) => view.getFloat64(at, true),
  float16: (view, at) => float16(view.getUint16(at, true)),
  bfloat16: (view, at) => {
    const float32 = new DataView(new ArrayBuffer(4));
    float32.setUint16(0, view.getUint16(at, true));
    return float32.getFloat32(0);
  },
  int8: (view, at) => view.getInt8(at),
  uint8: (view, at) => view.getUint8(at),
  int16: (view, at) => view.getInt16(at, true),
  int32: (view, at) => view.getInt32(at, true),
  int64: (view, at) => Number(view.getBigInt64(at, true)),
  bool: (view, at) => view.getUint8(at) === 1,
};

/** Decodes normal numbers and zero, the only values in the fixtures. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  if ((bits & 0x7fff) === 0) return sign * 0;
  return sign * 2 ** (((bits >> 10) & 31) - 15) * (1 + (bits & 1023) / 1024);
}
