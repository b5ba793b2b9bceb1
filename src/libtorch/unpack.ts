import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { openPromise, type Entry } from 'yauzl';

export interface UnpackOptions {
  readonly signal?: AbortSignal;
  /** Called with the bytes written so far and in total. */
  readonly onProgress?: (written: number, total: number) => void;
}

/**
 * Unpacks the members of a zip archive for which `pathOf` returns a relative path into `directory`.
 * Rejects names that escape the directory, and verifies sizes and CRC-32.
 */
export async function unpack(
  archive: string,
  directory: string,
  pathOf: (member: string) => string | undefined,
  { signal, onProgress }: UnpackOptions = {},
): Promise<void> {
  const zip = await openPromise(archive, { autoClose: false });
  try {
    const selected: { entry: Entry; file: string }[] = [];
    for await (const entry of zip.eachEntry()) {
      const path = pathOf(entry.fileName);
      if (path !== undefined) selected.push({ entry, file: join(directory, path) });
    }
    for (const parent of new Set(selected.map(({ file }) => dirname(file)))) {
      await mkdir(parent, { recursive: true, mode: 0o775 });
    }
    const total = selected.reduce((sum, { entry }) => sum + entry.uncompressedSize, 0);
    let written = 0;
    for (const { entry, file } of selected) {
      const check = new Crc32Check(entry, (bytes) => onProgress?.((written += bytes), total));
      const source = await zip.openReadStreamPromise(entry);
      await pipeline(source, check, createWriteStream(file, { mode: 0o664 }), { signal });
    }
  } finally {
    zip.close();
  }
}

/** Passes bytes through, and raises an error at the end if their CRC-32 does not match. */
class Crc32Check extends Transform {
  #crc = 0;

  constructor(
    readonly entry: Entry,
    readonly onBytes: (bytes: number) => void,
  ) {
    super();
  }

  override _transform(chunk: Buffer, _: string, done: (error: null, chunk: Buffer) => void): void {
    this.#crc = crc32(chunk, this.#crc);
    this.onBytes(chunk.length);
    done(null, chunk);
  }

  override _flush(done: (error?: Error) => void): void {
    const damaged = this.#crc !== this.entry.crc32;
    done(damaged ? new Error(`the CRC-32 of ${this.entry.fileName} is wrong`) : undefined);
  }
}
