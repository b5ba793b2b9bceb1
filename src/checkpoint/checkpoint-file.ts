import { open, stat, type FileHandle } from 'node:fs/promises';
import { CheckpointError, DisposedError } from '../errors';
import { malformed, truncated } from './failure';

/** Bytes on disk that are read in pieces, at any position. */
export abstract class Bytes {
  /** Where they come from, for messages. */
  abstract readonly path: string;
  abstract readonly size: number;

  /** Fills `into` with the bytes from `start` on. */
  abstract fill(into: Buffer, start: number): Promise<void>;

  /** Waits for what is being read, then closes. Idempotent. */
  abstract close(): Promise<void>;

  /** Reads into memory of its own; the caller has made sure that `length` is no absurd claim. */
  async read(start: number, length: number): Promise<Buffer> {
    const into = Buffer.allocUnsafeSlow(length);
    await this.fill(into, start);
    return into;
  }
}

/** A file of a checkpoint, read by position. */
export class CheckpointFile extends Bytes {
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

  /** @throws CheckpointError if there is no regular file at `path` that may be read. */
  static async open(path: string): Promise<CheckpointFile> {
    try {
      const stats = await stat(path);
      // Before opening: to open a pipe that nobody writes to would wait for ever.
      if (!stats.isFile()) throw malformed(path, 'it is not a regular file');
      return new CheckpointFile(path, stats.size, await open(path));
    } catch (cause) {
      if (cause instanceof CheckpointError) throw cause;
      throw new CheckpointError('ERR_SEMISUP_CHECKPOINT_NOT_FOUND', {
        what: `There is no checkpoint at '${path}' that can be opened.`,
        remedy: 'Check the path, and that this user may read the file.',
        value: path,
        cause,
      });
    }
  }

  async fill(into: Buffer, start: number): Promise<void> {
    if (this.#closing) {
      throw new DisposedError('ERR_SEMISUP_DISPOSED', {
        what: `The checkpoint '${this.path}' was closed and cannot be read any more.`,
        remedy: 'Read the tensors before closing it, or open it again.',
        value: this.path,
      });
    }
    if (!(start + into.length <= this.size)) {
      throw truncated(this.path, `it has ${this.size} bytes and refers to byte ${start}`);
    }
    for (let filled = 0; filled < into.length;) {
      const got = await this.#readSome(into.subarray(filled), start + filled);
      if (got === 0) throw truncated(this.path, 'the file shrank while it was being read');
      filled += got;
    }
  }

  async #readSome(into: Buffer, position: number): Promise<number> {
    try {
      return (await this.#handle.read(into, 0, into.length, position)).bytesRead;
    } catch (cause) {
      throw malformed(this.path, 'the system refused to read the file', cause);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#handle.close();
    return this.#closing;
  }
}
