import { open } from 'node:fs/promises';
import { dtypeBytes, type DType } from '../types';
import { span, type StoredTensor } from './state-dict';

/** The format's names of the dtypes; it has none for complex128. */
const codes: Readonly<Partial<Record<DType, string>>> = {
  ...{ float64: 'F64', float32: 'F32', float16: 'F16', bfloat16: 'BF16', complex64: 'C64' },
  ...{ int64: 'I64', int32: 'I32', int16: 'I16', int8: 'I8', bool: 'BOOL' },
  ...{ uint64: 'U64', uint32: 'U32', uint16: 'U16', uint8: 'U8' },
};

/**
 * Writes contiguous tensors as a safetensors file, one at a time. The file is synced to disk.
 *
 * @param path of a file that does not exist
 * @param metadata strings for the header
 */
export async function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  path: string,
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  const header: Record<string, object> = metadata ? { __metadata__: metadata } : {};
  let offset = 0;
  for (const [name, { dtype, shape, stride }] of tensors) {
    if (codes[dtype] === undefined) throw new Error(`safetensors has no type ${dtype}`);
    const end = offset + span(shape, stride) * dtypeBytes[dtype];
    header[name] = { dtype: codes[dtype], shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = await open(path, 'wx');
  try {
    await file.appendFile(Buffer.concat([length, text]));
    for (const tensor of tensors.values()) await file.appendFile(await tensor.read());
    await file.sync();
  } finally {
    await file.close();
  }
}
