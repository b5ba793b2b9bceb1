import { crc32 } from 'node:zlib';
import { mutate } from '../mutate';
import type { Random } from '../../support/random';
import type { Seed, Target } from '../target';
import { openReader } from './checkpoint';
import { pickleTokens } from './pickle-tokens';
import { checkpointFixtures } from './fixtures';

/** The signature of a local header. */
const local = Buffer.from('PK\x03\x04', 'latin1');

/**
 * Mutates the pickle, and corrects its checksums and size if that does not change, so that PyTorch and this
 * package reach the pickle rather than a damaged archive.
 */
function editPickle({ bytes }: Seed, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = copy.indexOf(local); at >= 0; at = copy.indexOf(local, at + 4)) {
    const nameLength = copy.readUInt16LE(at + 26);
    const name = copy.toString('latin1', at + 30, at + 30 + nameLength);
    if (!name.endsWith('data.pkl')) continue;
    const start = at + 30 + nameLength + copy.readUInt16LE(at + 28);
    const length = sizeOf(copy, name);
    const pickle = copy.subarray(start, start + length);
    const mutated = mutate(pickle, random, [{ name, bytes: pickle }], pickleTokens);
    // Of the same length: the end is cut off, or the STOP opcode is repeated.
    const fitted = Buffer.alloc(length, '.');
    mutated.copy(fitted);
    fitted.copy(copy, start);
    correctChecksum(copy, name, fitted);
    return copy;
  }
  return copy;
}

const central = Buffer.from('PK\x01\x02', 'latin1');
const descriptor = Buffer.from('PK\x07\x08', 'latin1');

function sizeOf(zip: Buffer, name: string): number {
  return zip.readUInt32LE(centralHeader(zip, name) + 24);
}

function centralHeader(zip: Buffer, name: string): number {
  for (let at = zip.indexOf(central); at >= 0; at = zip.indexOf(central, at + 4)) {
    const length = zip.readUInt16LE(at + 28);
    if (zip.toString('latin1', at + 46, at + 46 + length) === name) return at;
  }
  throw new Error(`the archive has no record ${name}`);
}

function correctChecksum(zip: Buffer, name: string, data: Buffer): void {
  const header = centralHeader(zip, name);
  const old = Buffer.from(zip.subarray(header + 16, header + 20));
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(data));
  // The checksum is also in the local header, or in the descriptor after the data.
  sum.copy(zip, header + 16);
  const at = zip.indexOf(Buffer.concat([descriptor, old]));
  if (at >= 0) sum.copy(zip, at + 4);
}

export const zipPth: Target = {
  name: 'zip-pth',
  maxMemory: 2 ** 30,
  seeds: () => checkpointFixtures(/\.zip\.pth$/),
  edit: editPickle,
  tokens: [local, central, descriptor, Buffer.from('PK\x05\x06', 'latin1'), ...pickleTokens],
  reference: ['torch'],
  open: (context) => openReader(context, 'x.pth', 'torch_load'),
};
