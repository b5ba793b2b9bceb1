import { createHash, type Hash } from 'node:crypto';
import { open, readFile, rename, rm, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder, writing } from './disk';
import { hashInto } from './hash';

/** What the bytes of a partial file belong to. */
export interface Origin {
  readonly url: string;
  /** A strong ETag or a Last-Modified date; without one nothing can be continued. */
  readonly validator?: string;
  /** Length of the whole body in bytes. */
  readonly total?: number;
}

/**
 * A download that is not complete: `<file>.part`, with what is known of its origin in
 * `<file>.part.json`. Both outlive the process, so that a later one can go on.
 */
export class Partial {
  readonly #file: string;
  readonly #path: string;
  readonly #notes: string;
  readonly #handle: FileHandle;
  #hash: Hash;
  #size: number;
  #origin: Origin;
  #ended = false;

  private constructor(file: string, handle: FileHandle, hash: Hash, size: number, origin: Origin) {
    this.#file = file;
    this.#path = `${file}.part`;
    this.#notes = `${file}.part.json`;
    this.#handle = handle;
    this.#hash = hash;
    this.#size = size;
    this.#origin = origin;
  }

  /**
   * Opens what is there of `file`. What came from another URL has no validator here, so that it is
   * not continued; it stays until the first bytes from `url` replace it.
   */
  static async open(file: string, url: string, signal?: AbortSignal): Promise<Partial> {
    const path = `${file}.part`;
    const origin = await readOrigin(`${path}.json`, url);
    const handle = await writing(path, open(path, 'a'));
    try {
      const hash = createHash('sha256');
      const size = origin ? await hashInto(hash, path, signal) : (await handle.stat()).size;
      return new Partial(file, handle, hash, size, origin ?? { url });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Bytes that are there. */
  get size(): number {
    return this.#size;
  }

  get origin(): Origin {
    return this.#origin;
  }

  /** SHA-256 of what is there, as 64 hex digits. */
  sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  /** Drops what is there, for a body of another origin. */
  async restart(origin: Origin): Promise<void> {
    if (this.#size > 0) await writing(this.#path, truncate(this.#path));
    this.#size = 0;
    this.#hash = createHash('sha256');
    this.#origin = origin;
    await writing(this.#notes, writeFile(this.#notes, JSON.stringify(origin)));
  }

  async append(bytes: Uint8Array): Promise<void> {
    const written = writing(this.#path, this.#handle.appendFile(bytes));
    this.#hash.update(bytes);
    await written;
    this.#size += bytes.length;
  }

  /** Puts what is there under the final name: only then is what was there before replaced. */
  async commit(): Promise<void> {
    this.#ended = true;
    await writing(this.#path, this.#handle.sync());
    await this.#handle.close();
    await writing(this.#file, rename(this.#path, this.#file));
    await syncFolder(dirname(this.#file));
    await writing(this.#notes, rm(this.#notes, { force: true }));
  }

  /** Deletes what is there. */
  async discard(): Promise<void> {
    this.#ended = true;
    await this.#handle.close();
    await writing(this.#path, rm(this.#path, { force: true }));
    await writing(this.#notes, rm(this.#notes, { force: true }));
  }

  /** Leaves what is there, if anything, for a later process. Without effect after the two above. */
  async close(): Promise<void> {
    if (this.#size === 0 && !this.#ended) await this.discard();
    await this.#handle.close();
  }
}

async function readOrigin(notes: string, url: string): Promise<Origin | undefined> {
  try {
    const origin = JSON.parse(await readFile(notes, 'utf8')) as Origin;
    const { validator, total } = origin;
    const usable =
      origin.url === url &&
      typeof validator === 'string' &&
      (total === undefined || Number.isSafeInteger(total));
    return usable ? { url, validator, total } : undefined;
  } catch {
    return undefined;
  }
}
