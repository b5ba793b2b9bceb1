import type { Model } from '../classify';
import type { LoadedModel, ResolvedSource } from './source';

/** The active model of a slot. */
export interface ActiveModel {
  /** Owned by the slot, which closes it when it is replaced and its requests are complete. */
  readonly model: Model;
  /** The version number, starting at 1. */
  readonly version: number;
  /** The name of the version's source. */
  readonly source: string;
}

/** A version of a slot's model, with its pending requests. */
export class ModelVersion implements ActiveModel {
  readonly model: Model;
  #requests = 0;
  #whenIdle: (() => void) | undefined;

  constructor(
    readonly version: number,
    readonly origin: ResolvedSource,
    readonly loaded: LoadedModel,
  ) {
    this.model = loaded.model;
  }

  get source(): string {
    return this.origin.name;
  }

  /** Calls `callback`; the model is not freed until its result settles. */
  async use<T>(callback: (active: ActiveModel) => T | Promise<T>): Promise<T> {
    this.#requests++;
    try {
      return await callback(this);
    } finally {
      this.#requests--;
      if (this.#requests === 0) this.#whenIdle?.();
    }
  }

  /** Frees the model when its requests are complete. Call it once, and `use` no longer. */
  async retire(): Promise<void> {
    if (this.#requests > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    await this.model.close();
  }
}
