import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { differenceBetween, type Conditions } from '../conditions';
import { EmbeddingsError } from '../errors';
import { abbreviate } from '../options';
import { bytesOf, encodeRecord, readRecords, type StampedRow } from './record';
import type { Row } from './row';
import { guardFile, writeError } from './write-error';

/** The version of the file's format. */
const format = 1;

/** More than the first line has. */
const maxHeaderBytes = 1 << 16;

/** What is kept in memory of a row. */
interface KnownRow {
  readonly stamp: string;
  readonly position: number;
}

/**
 * A file to which embeddings are appended as they are computed, so that a run that was interrupted goes on where it
 * ended. Its first line states what they depend on; a record for each follows. In memory it keeps about 200 bytes per
 * image.
 */
export class RowsFile {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #rows = new Map<string, KnownRow>();
  #dimensions: number | undefined;
  #end: number;

  private constructor(path: string, file: FileHandle, end: number) {
    this.#path = path;
    this.#file = file;
    this.#end = end;
  }

  /**
   * Opens or creates a file. What follows the last complete record is removed.
   *
   * @throws EmbeddingsError if the file has embeddings of another model or other options, or cannot be read or written
   */
  static async open(path: string, conditions: Conditions): Promise<RowsFile> {
    await guardFile(path, mkdir(dirname(path), { recursive: true }));
    // Not append mode, in which Windows cannot truncate.
    const opening = open(path, 'r+').catch(async () => await open(path, 'w+'));
    const file = await guardFile(path, opening);
    try {
      const end = await readHeader(path, file, { format, ...conditions });
      const rows = new RowsFile(path, file, end);
      await guardFile(path, rows.#readRows());
      return rows;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The number of images with an embedding. */
  get size(): number {
    return this.#rows.size;
  }

  /** The number of elements of an embedding; undefined if there is none. */
  get dimensions(): number | undefined {
    return this.#dimensions;
  }

  /** Whether an image has an embedding of this state of its file. */
  has(image: string, stamp: string): boolean {
    return this.#rows.get(image)?.stamp === stamp;
  }

  /** Appends rows. That of an image that already has one replaces it. @throws EmbeddingsError if they cannot be written */
  async append(rows: readonly StampedRow[]): Promise<void> {
    const records = rows.map(encodeRecord);
    let position = this.#end;
    const bytes = Buffer.concat(records);
    // Synchronously: another call may append meanwhile.
    this.#end += bytes.length;
    await guardFile(this.#path, writeAll(this.#file, bytes, position));
    for (const [i, { image, stamp, embedding }] of rows.entries()) {
      position += records[i]!.length;
      this.#dimensions ??= embedding.length;
      this.#rows.set(image, { stamp, position: position - embedding.byteLength });
    }
  }

  /**
   * The rows of images that have one, in the order of the images.
   *
   * @throws `signal.reason` after an abort
   */
  async *read(images: Iterable<string>, signal: AbortSignal): AsyncGenerator<Row> {
    for (const image of images) {
      signal.throwIfAborted();
      const { position } = this.#rows.get(image)!;
      const embedding = new Float32Array(this.#dimensions!);
      const bytes = bytesOf(embedding);
      const { bytesRead } = await guardFile(
        this.#path,
        this.#file.read(bytes, 0, bytes.length, position),
      );
      if (bytesRead < bytes.length) throw writeError(this.#path, new Error('it was truncated'));
      yield { image, embedding };
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  async #readRows(): Promise<void> {
    for await (const { image, stamp, dimensions, position, end } of readRecords(
      this.#file,
      this.#end,
    )) {
      this.#dimensions ??= dimensions;
      this.#rows.set(image, { stamp, position });
      this.#end = end;
    }
    await this.#file.truncate(this.#end);
  }
}

/**
 * Reads the first line, or writes it if it was not written to its end; returns the position after it.
 *
 * @throws EmbeddingsError if it states other conditions
 */
async function readHeader(path: string, file: FileHandle, conditions: Conditions): Promise<number> {
  const expected = Buffer.from(`${JSON.stringify(conditions)}\n`);
  const start = Buffer.alloc(maxHeaderBytes);
  const { bytesRead } = await guardFile(path, file.read(start, 0, start.length, 0));
  const found = start.subarray(0, start.subarray(0, bytesRead).indexOf('\n') + 1);
  if (found.length > 0 && !found.equals(expected)) throw otherConditions(path, found, conditions);
  if (found.length === 0) await guardFile(path, writeAll(file, expected, 0));
  return expected.length;
}

function otherConditions(path: string, found: Buffer, conditions: Conditions): EmbeddingsError {
  return new EmbeddingsError('ERR_SEMISUP_EMBEDDINGS_CONDITIONS', {
    what: `'${abbreviate(path)}' has the embeddings of an unfinished run with another model or other options: ${describeDifference(found, conditions)}.`,
    remedy: `Run the command with those to finish it, delete '${abbreviate(dirname(path))}', or choose another file.`,
    value: path,
  });
}

function describeDifference(found: Buffer, conditions: Conditions): string {
  try {
    return differenceBetween(JSON.parse(found.toString()) as Conditions, conditions);
  } catch {
    return 'its first line is not that of embeddings';
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
