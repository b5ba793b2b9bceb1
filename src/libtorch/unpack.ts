import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import { openPromise, type Entry } from 'yauzl';

export interface UnpackOptions {
  readonly signal?: AbortSignal;
  /** Called with the bytes written so far and in all. */
  readonly onProgress?: (written: number, total: number) => void;
}

/**
 * Unpacks those members of a zip archive into `folder` to which `pathOf` gives a relative path. Names
 * that lead out of the folder are refused, sizes and CRC-32 are checked.
 */
export async function unpack(
  archive: string,
  folder: string,
  pathOf: (member: string) => string | undefined,
  { signal, onProgress }: UnpackOptions = {},
): Promise<void> {
  const zip = await openPromise(archive, { autoClose: false });
  try {
    const wanted: { entry: Entry; file: string }[] = [];
    for await (const entry of zip.eachEntry()) {
      const path = pathOf(entry.fileName);
      if (path !== undefined) wanted.push({ entry, file: join(folder, path) });
    }
    for (const made of new Set(wanted.map(({ file }) => dirname(file)))) {
      await mkdir(made, { recursive: true });
    }
    const total = wanted.reduce((sum, { entry }) => sum + entry.uncompressedSize, 0);
    let written = 0;
    for (const { entry, file } of wanted) {
      const check = new Crc32Check(entry, (bytes) => onProgress?.((written += bytes), total));
      const source = await zip.openReadStreamPromise(entry);
      await pipeline(source, check, createWriteStream(file), { signal });
    }
  } finally {
    zip.close();
  }
}

/** Passes bytes on, and fails at the end if they are not those that were packed. */
class Crc32Check extends Transform {
  #crc = 0;

  constructor(
    readonly entry: Entry,
    readonly onBytes: (bytes: number) => void,
  ) {
    super();
  }

  override _transform(piece: Buffer, _: string, done: (error: null, piece: Buffer) => void): void {
    this.#crc = crc32(piece, this.#crc);
    this.onBytes(piece.length);
    done(null, piece);
  }

  override _flush(done: (error?: Error) => void): void {
    const damaged = this.#crc !== this.entry.crc32;
    done(damaged ? new Error(`the CRC-32 of ${this.entry.fileName} is wrong`) : undefined);
  }
}
