import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fingerprintOf, isSame, type Fingerprint } from './fingerprint';

/** How often the file is looked at where nothing tells of changes, in milliseconds. */
const pollInterval = 1000;

/** What a `FileWatcher` needs to know. */
export interface FileWatcherOptions {
  /** For how long the file must stay as it is, in milliseconds. */
  readonly settle: number;
  /** The state of the file that needs no telling. */
  readonly known: Fingerprint | undefined;
  /** Called when the file is in another state; until it is done there is no further call. */
  readonly onChange: () => Promise<void>;
}

/**
 * Tells when there is another file under a path, or other content in it, and nobody writes to it any
 * more. The folder is watched, because a rename takes the file itself away from under a watcher; the
 * file is looked at now and then too, because not every file system tells of changes. It does not keep
 * the process alive.
 */
export class FileWatcher {
  readonly #path: string;
  readonly #settle: number;
  readonly #onChange: () => Promise<void>;
  readonly #folder: FSWatcher | undefined;
  #known: Fingerprint | undefined;
  #candidate: Fingerprint | undefined;
  #since = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #lookAgain = false;
  #closed = false;

  constructor(path: string, { settle, known, onChange }: FileWatcherOptions) {
    this.#path = path;
    this.#settle = settle;
    this.#known = known;
    this.#onChange = onChange;
    this.#folder = watchFolder(path, () => {
      this.#wake();
    });
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#folder?.close();
  }

  #wake(): void {
    if (this.#looking) this.#lookAgain = true;
    else void this.#lookAround();
  }

  async #lookAround(): Promise<void> {
    this.#looking = true;
    clearTimeout(this.#timer);
    this.#lookAgain = false;
    const wait = await this.#look();
    this.#looking = false;
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#lookAround(), this.#lookAgain ? 0 : wait).unref();
  }

  /** Looks at the file; gives the time until the next look. */
  async #look(): Promise<number> {
    const found = await fingerprintOf(this.#path);
    if (this.#closed) return 0;
    if (!found || isSame(found, this.#known)) {
      this.#candidate = undefined;
      return pollInterval;
    }
    if (!isSame(found, this.#candidate)) {
      this.#candidate = found;
      this.#since = performance.now();
    }
    const rest = this.#since + this.#settle - performance.now();
    if (rest > 0) return rest;
    this.#known = found;
    await this.#onChange();
    return 0;
  }
}

/** Where the folder cannot be watched, looking at the file now and then must do. */
function watchFolder(path: string, onChange: () => void): FSWatcher | undefined {
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
