import { open } from 'node:fs/promises';
import { span, type StateDict } from '../../src/checkpoint';
import { dtypeBytes, type DType } from '../../src/types';

const dtypes: Partial<Record<DType, string>> = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
};

/** Writes a state dict of contiguous tensors as a safetensors file, one tensor at a time. */
export async function writeSafetensors(
  state: Pick<StateDict, 'tensors'>,
  path: string,
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  const header: Record<string, object> = metadata ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const [name, { dtype, shape, stride }] of state.tensors) {
    const end = offset + span(shape, stride) * dtypeBytes[dtype];
    header[name] = { dtype: dtypes[dtype], shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = await open(path, 'wx');
  try {
    await file.write(Buffer.concat([length, text]));
    for (const tensor of state.tensors.values()) await file.write(await tensor.read());
  } finally {
    await file.close();
  }
}
