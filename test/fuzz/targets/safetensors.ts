import { editJson } from '../json';
import type { Random } from '../../support/random';
import type { Seed, Target } from '../target';
import { openReader } from './checkpoint';
import { checkpointFixtures } from './fixtures';

/** Edits a value of the header, and corrects the length before it. */
function editHeader({ bytes }: Seed, random: Random): Buffer {
  const end = 8 + Number(bytes.readBigUInt64LE());
  const header = Buffer.from(editJson(bytes.toString('utf8', 8, end), random));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, bytes.subarray(end)]);
}

export const safetensors: Target = {
  name: 'safetensors',
  maxMemory: 2 ** 30,
  seeds: () => checkpointFixtures(/\.safetensors$/),
  edit: editHeader,
  tokens: ['{', '}', '[', ']', '"', ',', ':', '\\', '__metadata__', 'F32', 'BF16', '1e9', '-1'].map(
    (token) => Buffer.from(token),
  ),
  reference: ['torch', 'safetensors.torch'],
  open: (context) => openReader(context, 'x.safetensors', 'safetensors_load'),
};
