import { existsSync } from 'node:fs';
import { libtorch } from 'semisup';
import { toFailure } from './failure.js';

/** @import { State } from '../types.js' */

const phases = { fetch: 'Downloading', unpack: 'Unpacking' };

/** Finds LibTorch, or installs it into the user's cache when the user agrees. */
export class LibTorch {
  #update;
  #onFound;
  /** @type {AbortController | undefined} */
  #installation;

  /** @param {(state: Partial<State>) => void} update @param {() => void} onFound */
  constructor(update, onFound) {
    this.#update = update;
    this.#onFound = onFound;
  }

  /** @param {string | undefined} bundled the directory in a packaged app, which may not exist */
  async start(bundled) {
    try {
      if (bundled && existsSync(bundled)) libtorch.use(bundled);
      if (await libtorch.find()) this.#found();
      else this.#update({ libtorch: { status: 'missing' } });
    } catch (error) {
      this.#update({ libtorch: { status: 'missing', error: toFailure(error) } });
    }
  }

  async install() {
    if (this.#installation) return;
    const installation = new AbortController();
    this.#installation = installation;
    this.#update({ libtorch: { status: 'installing' } });
    try {
      await libtorch.install({
        signal: installation.signal,
        onProgress: ({ phase, received, total }) => {
          const progress = { phase: phases[phase], received, total };
          this.#update({ libtorch: { status: 'installing', progress } });
        },
      });
      this.#found();
    } catch (error) {
      const failure = installation.signal.aborted ? {} : { error: toFailure(error) };
      this.#update({ libtorch: { status: 'missing', ...failure } });
    } finally {
      this.#installation = undefined;
    }
  }

  cancel() {
    this.#installation?.abort();
  }

  #found() {
    this.#update({ libtorch: { status: 'found' } });
    this.#onFound();
  }
}
