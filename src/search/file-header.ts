import { createHash } from 'node:crypto';
import type { VectorLayout, VectorPrecision } from '../native';
import { maxDimensions } from './check-options';
import { InvalidIndex } from './invalid-index';

/**
 * A file has a header, the vectors, and the entries. All numbers are little-endian.
 *
 * - The header, padded with zeros to 4096 bytes: see `encodeHeader`.
 * - The vectors: rows of float32 or bfloat16, each padded with zeros to a multiple of 64 bytes. Their place in the file
 *   is a multiple of 4096, so that they can be mapped into memory and read in whole cache lines.
 * - The entries: see `entry-section.ts`.
 *
 * The header and the entries have SHA-256 checksums. The vectors have none, because reading all of them would take
 * much longer than opening the file.
 */
export interface FileHeader {
  readonly precision: VectorPrecision;
  readonly dimensions: number;
  readonly count: number;
  /** The length of the entries in bytes. */
  readonly entriesBytes: number;
  /** The SHA-256 of the entries. */
  readonly entriesHash: Uint8Array;
}

/** The length of the header in bytes, without its padding. */
export const headerBytes = 96;
/** Where the vectors are. */
export const vectorsOffset = 4096;
/** The longest section of entries in bytes: it is read into memory. */
export const maxEntriesBytes = 2 ** 31 - 1;
/** The most vectors. */
const maxCount = 2 ** 31 - 1;

const magic = Buffer.from('SEMISUPI');
const version = 1;
const elementBytes = { float32: 4, bfloat16: 2 } as const;
/** Numbers of the format; 0 is none. */
const precisions: readonly (VectorPrecision | undefined)[] = [undefined, 'float32', 'bfloat16'];
const rowAlignment = 64;

/** The length of a row in bytes, with its padding. */
export function rowBytes(precision: VectorPrecision, dimensions: number): number {
  return Math.ceil((dimensions * elementBytes[precision]) / rowAlignment) * rowAlignment;
}

/** The layout of the vectors of a file. */
export function layoutOf({ precision, dimensions, count }: FileHeader): VectorLayout {
  return { dtype: precision, dimensions, offset: vectorsOffset, rows: count };
}

/** Where the entries are. */
export function entriesOffset({ precision, dimensions, count }: FileHeader): number {
  return vectorsOffset + count * rowBytes(precision, dimensions);
}

export function encodeHeader(header: FileHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  magic.copy(bytes, 0);
  bytes.writeUInt32LE(version, 8);
  bytes.writeUInt32LE(precisions.indexOf(header.precision), 12);
  bytes.writeUInt32LE(header.dimensions, 16);
  bytes.writeUInt32LE(header.count, 20);
  bytes.writeUInt32LE(header.entriesBytes, 24);
  bytes.set(header.entriesHash, 32);
  bytes.set(sha256(bytes.subarray(0, 64)), 64);
  return bytes;
}

/**
 * Decodes the header of a file of `fileBytes` bytes.
 *
 * @throws InvalidIndex if it is not the header of such a file
 */
export function decodeHeader(bytes: Buffer, fileBytes: number): FileHeader {
  if (!bytes.subarray(0, magic.length).equals(magic)) throw new InvalidIndex('it is not an index');
  if (bytes.length < headerBytes) throw new InvalidIndex('it is truncated');
  const found = bytes.readUInt32LE(8);
  if (found !== version) {
    throw new InvalidIndex(
      `its format has the version ${found}, and this package reads version ${version}`,
    );
  }
  if (!sha256(bytes.subarray(0, 64)).equals(bytes.subarray(64, headerBytes))) {
    throw new InvalidIndex('its header is damaged');
  }
  const precision = precisions[bytes.readUInt32LE(12)];
  const dimensions = bytes.readUInt32LE(16);
  const count = bytes.readUInt32LE(20);
  const entriesBytes = bytes.readUInt32LE(24);
  if (
    precision === undefined ||
    dimensions < 1 ||
    dimensions > maxDimensions ||
    count > maxCount ||
    entriesBytes > maxEntriesBytes
  ) {
    throw new InvalidIndex('its header is invalid');
  }
  const entriesHash = Buffer.from(bytes.subarray(32, 64));
  const header = { precision, dimensions, count, entriesBytes, entriesHash };
  const end = entriesOffset(header) + entriesBytes;
  if (fileBytes < end) throw new InvalidIndex('it is truncated');
  if (fileBytes > end) throw new InvalidIndex('it has bytes after its end');
  return header;
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
