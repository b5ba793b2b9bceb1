import { hub, ModelSlot } from 'semisup';
import { toFailure } from './failure.js';

/** @import { HubProgress } from 'semisup' */
/** @import { Classification, ModelSummary, PhotoSource, State } from '../types.js' */

const phases = { download: 'Downloading', build: 'Converting' };

/** @returns {ModelSummary[]} */
export function summaries() {
  const models = hub.list().map((name) => {
    const { title, choice, accuracy, parameters, license } = hub.info(name);
    const { top1 } = accuracy.measured ?? accuracy.claimed;
    const { name: licenseName, commercial } = license;
    return { name, title, choice, top1, parameters, license: licenseName, commercial };
  });
  return models.sort((a, b) => Number(b.commercial) - Number(a.commercial));
}

/** The active model, which keeps working while another one is loaded. */
export class Models {
  /** @type {ModelSlot | undefined} */
  #slot;
  /** @type {{ name: string, controller: AbortController } | undefined} */
  #loading;
  #update;

  /** @param {(state: Partial<State>) => void} update */
  constructor(update) {
    this.#update = update;
  }

  get slot() {
    if (!this.#slot) throw new Error('No model is loaded yet.');
    return this.#slot;
  }

  /** Loads a model and makes it the active one. @param {string} name */
  async use(name) {
    this.cancel();
    const loading = { name, controller: new AbortController() };
    this.#loading = loading;
    const { signal } = loading.controller;
    this.#update({ loading: { model: name }, loadError: undefined });
    try {
      if (this.#slot) await this.#slot.swap(name, { signal });
      else {
        const onProgress = (/** @type {HubProgress} */ progress) => this.#report(progress);
        this.#slot = await ModelSlot.open(name, { signal, onProgress });
      }
      this.#update({ model: name });
    } catch (error) {
      if (signal.aborted) return;
      // A failed swap says at which stage; its cause says why.
      const { cause } = /** @type {Error} */ (error);
      const failure = toFailure(this.#slot && cause ? cause : error);
      this.#update({ loadError: { model: name, error: failure } });
    } finally {
      if (this.#loading === loading) {
        this.#loading = undefined;
        this.#update({ loading: undefined });
      }
    }
  }

  cancel() {
    this.#loading?.controller.abort();
  }

  /** @param {PhotoSource} photo @returns {Promise<Classification>} */
  async classify(photo) {
    const start = performance.now();
    const { predictions, source } = await this.slot.classifyDetailed(photo, { topk: 5 });
    return { predictions, model: source, milliseconds: performance.now() - start };
  }

  /** @param {HubProgress} progress */
  #report({ phase, received, total }) {
    if (!this.#loading) return;
    const progress = { phase: phases[phase], received, total };
    this.#update({ loading: { model: this.#loading.name, progress } });
  }
}
