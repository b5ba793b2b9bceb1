import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { readFingerprint, isSameFingerprint, type Fingerprint } from '../fingerprint';

/** The interval at which the file is polled for changes that raise no event, in milliseconds. */
const pollInterval = 1000;

/** Options of a `FileWatcher`. */
export interface FileWatcherOptions {
  /** How long the file must stay unchanged before it is reported, in milliseconds. */
  readonly settle: number;
  /** The fingerprint of the file that is already loaded, which is not reported. */
  readonly known: Fingerprint | undefined;
  /** Called when the file has changed. Not called again until its promise settles. */
  readonly onChange: () => Promise<void>;
}

/**
 * Reports that a file was replaced or rewritten, once it has stopped changing. The directory is
 * watched, because a watcher of the file itself misses its replacement by a rename. The file is polled
 * too, because some file systems do not report changes. Does not keep the process alive.
 */
export class FileWatcher {
  readonly #path: string;
  readonly #settle: number;
  readonly #onChange: () => Promise<void>;
  readonly #directory: FSWatcher | undefined;
  #known: Fingerprint | undefined;
  #candidate: Fingerprint | undefined;
  #unchangedSince = 0;
  #timer: NodeJS.Timeout | undefined;
  #isChecking = false;
  #checkAgain = false;
  #closed = false;

  constructor(path: string, { settle, known, onChange }: FileWatcherOptions) {
    this.#path = path;
    this.#settle = settle;
    this.#known = known;
    this.#onChange = onChange;
    this.#directory = watchDirectory(path, () => {
      this.#requestCheck();
    });
    this.#requestCheck();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#directory?.close();
  }

  #requestCheck(): void {
    if (this.#isChecking) this.#checkAgain = true;
    else void this.#check();
  }

  async #check(): Promise<void> {
    this.#isChecking = true;
    clearTimeout(this.#timer);
    this.#checkAgain = false;
    const wait = await this.#checkFile();
    this.#isChecking = false;
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#check(), this.#checkAgain ? 0 : wait).unref();
  }

  /** Checks the file; returns the time until the next check, in milliseconds. */
  async #checkFile(): Promise<number> {
    const found = await readFingerprint(this.#path);
    if (this.#closed) return 0;
    if (!found || isSameFingerprint(found, this.#known)) {
      this.#candidate = undefined;
      return pollInterval;
    }
    if (!isSameFingerprint(found, this.#candidate)) {
      this.#candidate = found;
      this.#unchangedSince = performance.now();
    }
    const remaining = this.#unchangedSince + this.#settle - performance.now();
    if (remaining > 0) return remaining;
    this.#known = found;
    await this.#onChange();
    return 0;
  }
}

/** Returns undefined if the directory cannot be watched: polling suffices then. */
function watchDirectory(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_, name) => {
      if (name === null || name === basename(path)) onChange();
    });
    return watcher.on('error', () => {
      watcher.close();
    });
  } catch {
    return undefined;
  }
}
