import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import {
  access,
  open,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import { DownloadError } from '../errors';
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
 * For appending. A link of that name, which nothing here creates, would lead the bytes to another file, and opening a
 * FIFO would block.
 */
const APPEND =
  constants.O_APPEND |
  constants.O_CREAT |
  constants.O_WRONLY |
  (constants.O_NONBLOCK ?? 0) |
  (constants.O_NOFOLLOW ?? 0);

/**
 * An incomplete download: `<file>.part`, with its origin in `<file>.part.json`. Both persist, so that
 * a later process can resume, unless the server sent no validator to resume with.
 */
export class PartialFile {
  readonly #file: string;
  readonly #path: string;
  readonly #originPath: string;
  readonly #handle: FileHandle;
  #hash: Hash;
  #size: number;
  #origin: Origin;
  /** Whether the bytes come from a response to this process. */
  #restarted = false;
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
   * that it is not resumed; it is kept until a response from `url` replaces it. The same is true of one without an
   * origin, which may be complete: `commit` removes the origin first.
   */
  static async open(file: string, url: string, signal?: AbortSignal): Promise<PartialFile> {
    const path = `${file}.part`;
    const origin = await readOrigin(`${path}.json`, url);
    const mayBeComplete = origin === undefined && !(await exists(`${path}.json`));
    const handle = await guardWrite(path, open(path, APPEND, 0o664));
    try {
      // The content of a device may never end.
      if (!(await handle.stat()).isFile()) throw notAFile(path);
      const hash = createHash('sha256');
      const size =
        origin !== undefined || mayBeComplete
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
    this.#restarted = true;
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
    // First: a process that is killed after the rename could not remove it.
    await guardWrite(this.#originPath, rm(this.#originPath, { force: true }));
    await guardWrite(this.#file, rename(this.#path, this.#file));
    await syncDirectory(dirname(this.#file));
  }

  /** Deletes the file. */
  async discard(): Promise<void> {
    this.#finished = true;
    await this.#handle.close();
    await guardWrite(this.#path, rm(this.#path, { force: true }));
    await guardWrite(this.#originPath, rm(this.#originPath, { force: true }));
  }

  /** Closes the file, and deletes it if it cannot be resumed. No effect after `commit()` or `discard()`. */
  async close(): Promise<void> {
    // One that this process has not begun may still be resumed from its own URL.
    const isResumable =
      this.#size > 0 && !(this.#restarted && this.#origin.validator === undefined);
    if (!isResumable && !this.#finished) await this.discard();
    await this.#handle.close();
  }
}

function notAFile(path: string): DownloadError {
  return new DownloadError('ERR_SEMISUP_DOWNLOAD_DISK', {
    what: `${path} could not be written: it is not a regular file.`,
    remedy: 'Remove it.',
    value: path,
  });
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
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
