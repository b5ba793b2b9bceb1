import { createHash, type Hash } from 'node:crypto';
import { open, readFile, rename, rm, truncate, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory, guardWrite } from './disk';
import { updateHashFromFile } from './hash';

/** The response from which the bytes of a partial file come. */
export interface Origin {
  readonly url: string;
  /** A strong ETag or a Last-Modified date; required to resume. */
  readonly validator?: string;
  /** Length of the whole body in bytes. */
  readonly total?: number;
}

/**
 * An incomplete download: `<file>.part`, with its origin in `<file>.part.json`. Both persist, so that
 * a later process can resume.
 */
export class PartialFile {
  readonly #file: string;
  readonly #path: string;
  readonly #originPath: string;
  readonly #handle: FileHandle;
  #hash: Hash;
  #size: number;
  #origin: Origin;
  #finished = false;

  private constructor(file: string, handle: FileHandle, hash: Hash, size: number, origin: Origin) {
    this.#file = file;
    this.#path = `${file}.part`;
    this.#originPath = `${file}.part.json`;
    this.#handle = handle;
    this.#hash = hash;
    this.#size = size;
    this.#origin = origin;
  }

  /**
   * Opens or creates the partial file of `file`. A partial file from another URL has no validator, so
   * that it is not resumed; it is kept until a response from `url` replaces it.
   */
  static async open(file: string, url: string, signal?: AbortSignal): Promise<PartialFile> {
    const path = `${file}.part`;
    const origin = await readOrigin(`${path}.json`, url);
    const handle = await guardWrite(path, open(path, 'a'));
    try {
      const hash = createHash('sha256');
      const size = origin
        ? await updateHashFromFile(hash, path, signal)
        : (await handle.stat()).size;
      return new PartialFile(file, handle, hash, size, origin ?? { url });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Size in bytes. */
  get size(): number {
    return this.#size;
  }

  get origin(): Origin {
    return this.#origin;
  }

  /** SHA-256 of the current content, as 64 hex digits. */
  sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  /** Truncates the file, for a body from another response. */
  async restart(origin: Origin): Promise<void> {
    if (this.#size > 0) await guardWrite(this.#path, truncate(this.#path));
    this.#size = 0;
    this.#hash = createHash('sha256');
    this.#origin = origin;
    await guardWrite(this.#originPath, writeFile(this.#originPath, JSON.stringify(origin)));
  }

  async append(bytes: Uint8Array): Promise<void> {
    const written = guardWrite(this.#path, this.#handle.appendFile(bytes));
    this.#hash.update(bytes);
    await written;
    this.#size += bytes.length;
  }

  /** Syncs the file to disk and renames it to its final name, replacing any previous file. */
  async commit(): Promise<void> {
    this.#finished = true;
    await guardWrite(this.#path, this.#handle.sync());
    await this.#handle.close();
    await guardWrite(this.#file, rename(this.#path, this.#file));
    await syncDirectory(dirname(this.#file));
    await guardWrite(this.#originPath, rm(this.#originPath, { force: true }));
  }

  /** Deletes the file. */
  async discard(): Promise<void> {
    this.#finished = true;
    await this.#handle.close();
    await guardWrite(this.#path, rm(this.#path, { force: true }));
    await guardWrite(this.#originPath, rm(this.#originPath, { force: true }));
  }

  /** Closes the file, and deletes it if empty. No effect after `commit()` or `discard()`. */
  async close(): Promise<void> {
    if (this.#size === 0 && !this.#finished) await this.discard();
    await this.#handle.close();
  }
}

async function readOrigin(path: string, url: string): Promise<Origin | undefined> {
  try {
    const origin = JSON.parse(await readFile(path, 'utf8')) as Origin;
    const { validator, total } = origin;
    const resumable =
      origin.url === url &&
      typeof validator === 'string' &&
      (total === undefined || Number.isSafeInteger(total));
    return resumable ? { url, validator, total } : undefined;
  } catch {
    return undefined;
  }
}
