import { open } from 'node:fs/promises';
import { uint64 } from './pickle';

/** A record of a zip archive, which may be invalid. */
export interface ZipRecord {
  name: string;
  data: Uint8Array;
  /** 0: stored, 8: deflated. */
  method?: number;
  flags?: number;
  /** The checksum in the central directory, by default 0. */
  crc32?: number;
  /** The offset of the local header, by default the end of the previous record. */
  at?: number;
}

/** Writes a zip archive, with offsets and sizes in zip64 fields if `zip64`. */
export async function writeZip(path: string, records: ZipRecord[], zip64 = false): Promise<void> {
  const file = await open(path, 'w');
  let end = 0;
  const directory: Buffer[] = [];
  for (const { name, data, method = 0, flags = 0, crc32 = 0, at = end } of records) {
    const local = header(0x04034b50, 30, name, [
      [6, flags],
      [8, method],
      [18, data.length, 4],
      [22, data.length, 4],
      [26, name.length],
    ]);
    await file.write(Buffer.concat([local, data]), 0, null, at);
    end = at + local.length + data.length;
    const extra = zip64
      ? Buffer.concat([Buffer.from([1, 0, 24, 0]), ...[data.length, data.length, at].map(uint64)])
      : Buffer.alloc(0);
    const central = header(0x02014b50, 46, name, [
      [8, flags],
      [10, method],
      [16, crc32, 4],
      [20, zip64 ? 0xffffffff : data.length, 4],
      [24, zip64 ? 0xffffffff : data.length, 4],
      [28, name.length],
      [30, extra.length],
      [42, zip64 ? 0xffffffff : at, 4],
    ]);
    directory.push(central, extra);
  }
  const tail = [...directory];
  const size = Buffer.concat(directory).length;
  if (zip64) {
    const record = header(0x06064b50, 56, '', []);
    [records.length, records.length, size, end].forEach((value, i) => {
      uint64(value).copy(record, 24 + 8 * i);
    });
    const locator = header(0x07064b50, 20, '', []);
    uint64(end + size).copy(locator, 8);
    tail.push(record, locator);
  }
  const count = zip64 ? 0xffff : records.length;
  tail.push(
    header(0x06054b50, 22, '', [
      [8, count],
      [10, count],
      [12, zip64 ? 0xffffffff : size, 4],
      [16, zip64 ? 0xffffffff : end, 4],
    ]),
  );
  await file.write(Buffer.concat(tail), 0, null, end);
  await file.close();
}

/** A header of `size` bytes with a signature and fields [offset, value, bytes], followed by a name. */
function header(
  signature: number,
  size: number,
  name: string,
  fields: [number, number, (2 | 4)?][],
): Buffer {
  const out = Buffer.alloc(size);
  out.writeUInt32LE(signature);
  for (const [offset, value, width = 2] of fields) out.writeUIntLE(value, offset, width);
  return Buffer.concat([out, Buffer.from(name)]);
}
