import { toFailure } from './failure.js';

/** @import { ImageFailure, ModelSlot } from 'semisup' */
/** @import { Neighbor, PhotoSource, State } from '../types.js' */
/** @typedef {NonNullable<State['index']>} Status */

/** Photos per call: enough to keep all cores busy, few enough to show progress. */
const chunkSize = 16;

const maxNeighbors = 24;

/** The embeddings of a folder's photos, all by one model. */
export class Index {
  /** @type {Map<string, Float32Array>} */
  #embeddings = new Map();
  /** @type {Status} */
  #status = { model: '', done: 0, total: 0, skipped: 0, running: false };
  /** @type {AbortController | undefined} */
  #run;
  #update;

  /** @param {(state: Partial<State>) => void} update */
  constructor(update) {
    this.#update = update;
  }

  /**
   * Replaces the index.
   *
   * @param {ModelSlot} slot
   * @param {readonly { readonly id: string, readonly path: string }[]} photos
   */
  async start(slot, photos) {
    this.cancel();
    const run = new AbortController();
    this.#run = run;
    this.#embeddings.clear();
    // One version of the model for all photos, even if the slot is swapped meanwhile.
    await slot.use(async ({ model, source }) => {
      if (!('embed' in model)) throw new Error(`${source} has no embeddings.`);
      this.#report({ model: source, done: 0, total: photos.length, skipped: 0, running: true });
      try {
        for (let start = 0; start < photos.length; start += chunkSize) {
          const chunk = photos.slice(start, start + chunkSize);
          const results = await model.embed(
            chunk.map(({ path }) => path),
            { signal: run.signal, onError: 'return' },
          );
          this.#add(chunk, results);
        }
        this.#report({ running: false });
      } catch (error) {
        if (this.#run !== run) return;
        const failure = run.signal.aborted ? undefined : toFailure(error);
        this.#report({ running: false, total: this.#status.done, error: failure });
      }
    });
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
    const query = this.#embeddings.get(id) ?? (await this.#embed(slot, source));
    return [...this.#embeddings]
      .filter(([other]) => other !== id)
      .map(([other, embedding]) => ({ id: other, similarity: dot(query, embedding) }))
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, maxNeighbors);
  }

  /** @param {ModelSlot} slot @param {PhotoSource} source */
  async #embed(slot, source) {
    return await slot.use(async ({ model, source: name }) => {
      if (name !== this.#status.model || !('embed' in model)) {
        throw new Error('The folder was indexed by another model. Index it again.');
      }
      return normalize(await model.embed(source));
    });
  }

  /**
   * @param {readonly { readonly id: string }[]} photos
   * @param {readonly (Float32Array | ImageFailure)[]} results
   */
  #add(photos, results) {
    let { done, skipped } = this.#status;
    for (const [i, { id }] of photos.entries()) {
      const result = results[i];
      if (result instanceof Float32Array) this.#embeddings.set(id, normalize(result));
      else skipped++;
      done++;
    }
    this.#report({ done, skipped });
  }

  /** @param {Partial<Status>} changes */
  #report(changes) {
    this.#status = { ...this.#status, error: undefined, ...changes };
    this.#update({ index: this.#status });
  }
}

/** @param {Float32Array} a @param {Float32Array} b */
function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++)
    sum += /** @type {number} */ (a[i]) * /** @type {number} */ (b[i]);
  return sum;
}

/** @param {Float32Array} vector */
function normalize(vector) {
  const length = Math.sqrt(dot(vector, vector));
  return vector.map((value) => value / length);
}
