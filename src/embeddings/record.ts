import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { Row } from './row';

/** A row, and the state of its image when it was computed. */
export interface StampedRow extends Row {
  /** Changes with the image's file. */
  readonly stamp: string;
}

/** Where a row is in a file. */
export interface StoredRow {
  readonly image: string;
  readonly stamp: string;
  readonly dimensions: number;
  /** The position of the embedding. */
  readonly position: number;
  /** The position after the record. */
  readonly end: number;
}

/** CRC-32 of what follows, length of the key in bytes, length of the embedding in elements: uint32, little-endian. */
const headBytes = 12;
/** More is damage: longer than paths are, and more elements than layers have. */
const maxKeyBytes = 1 << 17;
const maxDimensions = 1 << 22;
const bufferBytes = 1 << 20;

/** A record: its head, the image and the stamp as JSON, and the embedding. */
export function encodeRecord({ image, stamp, embedding }: StampedRow): Buffer {
  const key = Buffer.from(JSON.stringify([image, stamp]));
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(key.length, 4);
  head.writeUInt32LE(embedding.length, 8);
  const record = Buffer.concat([head, key, bytesOf(embedding)]);
  record.writeUInt32LE(crc32(record.subarray(4)), 0);
  return record;
}

/** The memory of an embedding as bytes. All supported processors are little-endian. */
export function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

/**
 * Reads the records from a position to the end of the file, or to the first one that is damaged, as a process that was
 * killed may have left it.
 */
export async function* readRecords(file: FileHandle, start: number): AsyncGenerator<StoredRow> {
  let position = start;
  let bytes = Buffer.alloc(0);
  for (;;) {
    const length = lengthOf(bytes);
    if (length === undefined) return;
    if (length > bytes.length) {
      const more = Buffer.allocUnsafe(Math.max(length, bufferBytes));
      bytes.copy(more);
      const wanted = more.length - bytes.length;
      const { bytesRead } = await file.read(more, bytes.length, wanted, position + bytes.length);
      if (bytesRead === 0) return;
      bytes = more.subarray(0, bytes.length + bytesRead);
      continue;
    }
    const record = decodeRecord(bytes.subarray(0, length), position);
    if (!record) return;
    yield record;
    position = record.end;
    bytes = bytes.subarray(length);
  }
}

/** The length of the first record, or that of its head if that is incomplete; undefined if it is damaged. */
function lengthOf(bytes: Buffer): number | undefined {
  if (bytes.length < headBytes) return headBytes;
  const [keyBytes, dimensions] = [bytes.readUInt32LE(4), bytes.readUInt32LE(8)];
  if (keyBytes > maxKeyBytes || dimensions > maxDimensions) return undefined;
  return headBytes + keyBytes + 4 * dimensions;
}

function decodeRecord(bytes: Buffer, position: number): StoredRow | undefined {
  if (bytes.readUInt32LE(0) !== crc32(bytes.subarray(4))) return undefined;
  const [keyEnd, dimensions] = [headBytes + bytes.readUInt32LE(4), bytes.readUInt32LE(8)];
  const key = bytes.toString('utf8', headBytes, keyEnd);
  const [image, stamp] = JSON.parse(key) as [string, string];
  return { image, stamp, dimensions, position: position + keyEnd, end: position + bytes.length };
}
