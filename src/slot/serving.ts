import type { Model } from '../classify';
import type { Loaded, Source } from './source';

/** A model that serves, for a piece of work with it. */
export interface Serving {
  /** The slot closes it, when it is replaced and the work with it is done. */
  readonly model: Model;
  /** Counted from 1. */
  readonly version: number;
  /** The name of its source. */
  readonly source: string;
}

/** A version of the model of a slot, and the requests that are on it. */
export class ServingModel implements Serving {
  readonly model: Model;
  #requests = 0;
  #whenIdle: (() => void) | undefined;

  constructor(
    readonly version: number,
    readonly origin: Source,
    readonly loaded: Loaded,
  ) {
    this.model = loaded.model;
  }

  get source(): string {
    return this.origin.name;
  }

  /** Does a piece of work, until whose end the model stays. */
  async use<T>(work: (serving: Serving) => T | Promise<T>): Promise<T> {
    this.#requests++;
    try {
      return await work(this);
    } finally {
      this.#requests--;
      if (this.#requests === 0) this.#whenIdle?.();
    }
  }

  /** Frees the model when the work with it is done. To be called once, and `use` no more. */
  async retire(): Promise<void> {
    if (this.#requests > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    await this.model.close();
  }
}
