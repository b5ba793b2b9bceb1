import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { toFailure } from './failure.js';
import { FolderIndex } from './folder-index.js';

/** @import { ModelSlot } from 'semisup' */
/** @import { IndexedFolder, Neighbor, PhotoSource, State } from '../types.js' */
/** @typedef {NonNullable<State['index']>} Status */

const maxNeighbors = 24;

/** The search in one folder of photos. */
export class Search {
  /** @type {FolderIndex | undefined} */
  #index;
  /** The ids of the folder's photos, by their paths. @type {Map<string, string>} */
  #ids = new Map();
  /** @type {Status} */
  #status = { model: '', done: 0, total: 0, skipped: 0, running: false };
  /** @type {AbortController | undefined} */
  #run;
  /** The last run, which may still save its index. @type {Promise<void>} */
  #lastRun = Promise.resolve();
  #directory;
  #update;

  /** @param {string} directory where the indexes are kept @param {(state: Partial<State>) => void} update */
  constructor(directory, update) {
    this.#directory = directory;
    this.#update = update;
  }

  /** Indexes a folder, in place of the previous one. @param {ModelSlot} slot @param {IndexedFolder} folder */
  async start(slot, folder) {
    this.cancel();
    const run = new AbortController();
    this.#run = run;
    this.#lastRun = this.#lastRun.then(() => this.#indexFolder(slot, folder, run.signal));
    await this.#lastRun;
  }

  cancel() {
    this.#run?.abort();
  }

  /**
   * @param {ModelSlot} slot
   * @param {{ readonly id: string, readonly source: PhotoSource }} photo
   * @returns {Promise<Neighbor[]>}
   */
  async neighbors(slot, { id, source }) {
    const index = this.#index;
    const known = typeof source === 'string' ? await index?.embedding(source) : undefined;
    const query = known ?? (await this.#embed(slot, source));
    const found = (await index?.search(query, maxNeighbors + 1)) ?? [];
    const neighbors = found.flatMap(({ id: path, score }) => {
      const neighbor = this.#ids.get(path);
      return neighbor === undefined || neighbor === id ? [] : [{ id: neighbor, similarity: score }];
    });
    return neighbors.slice(0, maxNeighbors);
  }

  /** @param {ModelSlot} slot @param {IndexedFolder} folder @param {AbortSignal} signal */
  async #indexFolder(slot, { path, photos }, signal) {
    if (signal.aborted) return;
    this.#report({ done: 0, total: photos.length, skipped: 0, running: true });
    try {
      // One version of the model for all photos, even if the slot is swapped meanwhile.
      await slot.use(async ({ model, source }) => {
        if (!('embed' in model)) throw new Error(`${source} has no embeddings.`);
        this.#report({ model: source });
        const index = await FolderIndex.open(this.#fileOf(path, source));
        const previous = this.#index;
        this.#index = index;
        this.#ids = new Map(photos.map(({ id, path }) => [path, id]));
        await previous?.close();
        const paths = photos.map(({ path }) => path);
        await index.update(model, paths, {
          signal,
          onProgress: (progress) => this.#report(progress),
        });
      });
      this.#report({ running: false });
    } catch (error) {
      const failure = signal.aborted ? undefined : toFailure(error);
      this.#report({ running: false, total: this.#status.done, error: failure });
    }
  }

  /** Each folder has an index for each model: their embeddings cannot be compared. @param {...string} parts */
  #fileOf(...parts) {
    const name = createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32);
    return join(this.#directory, `${name}.index`);
  }

  /** @param {ModelSlot} slot @param {PhotoSource} source */
  async #embed(slot, source) {
    return await slot.use(async ({ model, source: name }) => {
      if (name !== this.#status.model || !('embed' in model)) {
        throw new Error('The folder was indexed by another model. Index it again.');
      }
      return await model.embed(source);
    });
  }

  /** @param {Partial<Status>} changes */
  #report(changes) {
    this.#status = { ...this.#status, error: undefined, ...changes };
    this.#update({ index: this.#status });
  }
}
