import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';

/** A record of a TorchScript archive. What is given besides its name and data may be wrong on purpose. */
export interface ArchiveRecord {
  readonly name: string;
  readonly data: Uint8Array;
  readonly deflate?: boolean;
  /** The uncompressed size that the headers state; that of `data` by default. */
  readonly size?: number;
  /** The compressed size that the headers state. */
  readonly storedSize?: number;
  /** The name in the record's own header; `name` by default. */
  readonly localName?: string;
  /** The offset of the record's own header that the directory states. */
  readonly at?: number;
}

/** The records of an archive whose directory is intact, uncompressed. Ignores 64-bit sizes. */
export function unpackArchive(archive: Uint8Array): ArchiveRecord[] {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  const end = bytes.length - 22;
  const count = bytes.readUInt16LE(end + 10);
  const records: ArchiveRecord[] = [];
  const directory = bytes.readUInt32LE(end + 16);
  // With 64-bit fields the offset is elsewhere.
  let at = directory === 0xffffffff ? bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) : directory;
  for (let i = 0; i < count; i++) {
    const nameLength = bytes.readUInt16LE(at + 28);
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength);
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const stored = bytes.subarray(start, start + bytes.readUInt32LE(at + 20));
    const deflate = bytes.readUInt16LE(at + 10) === 8;
    records.push({ name, data: deflate ? inflateRawSync(stored) : Buffer.from(stored), deflate });
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return records;
}

/** Writes a zip archive, with correct checksums. */
export function packArchive(records: readonly ArchiveRecord[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const record of records) {
    const { name, data, deflate = false, size = data.length, localName = name, at } = record;
    const stored = deflate ? deflateRawSync(data) : Buffer.from(data);
    const { storedSize = deflate || size === data.length ? stored.length : size } = record;
    // From the flags on, as both headers have it: UTF-8 names, the method, no time, the checksum, the sizes.
    const common = Buffer.alloc(22);
    common.writeUInt16LE(0x800, 0);
    common.writeUInt16LE(deflate ? 8 : 0, 2);
    common.writeUInt32LE(crc32(data), 8);
    common.writeUInt32LE(storedSize, 12);
    common.writeUInt32LE(size, 16);
    const header = Buffer.concat([Buffer.from([0x50, 0x4b, 3, 4, 20, 0]), common]);
    const own = Buffer.from(localName);
    header.writeUInt16LE(own.length, 26);
    parts.push(Buffer.concat([header, Buffer.alloc(2), own, stored]));
    const full = Buffer.from(name);
    const entry = Buffer.concat([
      Buffer.from([0x50, 0x4b, 1, 2, 20, 0, 20, 0]),
      common,
      Buffer.alloc(16),
    ]);
    entry.writeUInt16LE(full.length, 28);
    entry.writeUInt32LE(at ?? offset, 42);
    directory.push(entry, full);
    offset += parts.at(-1)!.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(records.length, 8);
  end.writeUInt16LE(records.length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, entries, end]);
}

/** The archive with the data of one record, named without its directory, replaced or added. */
export function withRecord(
  archive: Uint8Array,
  name: string,
  change: Omit<Partial<ArchiveRecord>, 'name'>,
): Buffer {
  const records = unpackArchive(archive);
  const root = records[0]!.name.split('/')[0]!;
  const full = `${root}/${name}`;
  const found = records.find((record) => record.name === full);
  const changed = { name: full, data: Buffer.alloc(0), ...found, ...change };
  return packArchive(
    found ? records.map((record) => (record === found ? changed : record)) : [...records, changed],
  );
}
