import { open, stat, type FileHandle } from 'node:fs/promises';
import { CheckpointError, DisposedError } from '../errors';
import { abbreviate } from '../options';
import { malformedError, truncatedError } from './errors';

/** Bytes on disk with random access. */
export abstract class ByteSource {
  /** Path of the file, for error messages. */
  abstract readonly path: string;
  abstract readonly size: number;

  /** Fills `into` with the bytes starting at `start`. */
  abstract fill(into: Buffer, start: number): Promise<void>;

  /** Waits for pending reads, then closes. Idempotent. */
  abstract close(): Promise<void>;

  /** Reads into newly allocated memory; the caller has validated `length`. */
  async read(start: number, length: number): Promise<Buffer> {
    const into = Buffer.allocUnsafeSlow(length);
    await this.fill(into, start);
    return into;
  }
}

/** A file of a checkpoint, read by position. */
export class CheckpointFile extends ByteSource {
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;
  #closing: Promise<void> | undefined;

  private constructor(path: string, size: number, handle: FileHandle) {
    super();
    this.path = path;
    this.size = size;
    this.#handle = handle;
  }

  /** @throws CheckpointError if `path` is not a readable regular file. */
  static async open(path: string): Promise<CheckpointFile> {
    try {
      const stats = await stat(path);
      // Opening a FIFO without a writer would block forever, so check the type first.
      if (!stats.isFile()) throw malformedError(path, 'it is not a regular file');
      return new CheckpointFile(path, stats.size, await open(path));
    } catch (cause) {
      if (cause instanceof CheckpointError) throw cause;
      throw new CheckpointError('ERR_SEMISUP_CHECKPOINT_NOT_FOUND', {
        what: `The checkpoint '${abbreviate(path)}' could not be opened.`,
        remedy: 'Check the path and the permissions of the file.',
        value: path,
        cause,
      });
    }
  }

  async fill(into: Buffer, start: number): Promise<void> {
    if (this.#closing) {
      throw new DisposedError('ERR_SEMISUP_DISPOSED', {
        what: `The checkpoint '${abbreviate(this.path)}' could not be read: it is closed.`,
        remedy: 'Read the tensors before closing it, or open it again.',
        value: this.path,
      });
    }
    if (!(start + into.length <= this.size)) {
      throw truncatedError(this.path, `it has ${this.size} bytes, but refers to byte ${start}`);
    }
    for (let filled = 0; filled < into.length;) {
      const bytesRead = await this.#readSome(into.subarray(filled), start + filled);
      if (bytesRead === 0)
        throw truncatedError(this.path, 'the file shrank while it was being read');
      filled += bytesRead;
    }
  }

  async #readSome(into: Buffer, position: number): Promise<number> {
    try {
      return (await this.#handle.read(into, 0, into.length, position)).bytesRead;
    } catch (cause) {
      throw malformedError(this.path, 'the system failed to read the file', cause);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#handle.close();
    return this.#closing;
  }
}
