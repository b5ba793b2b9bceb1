import type { Model } from '../classify';
import { invalidArgument } from '../options';
import { closeOrAbandon } from '../native';
import type { Fingerprint } from '../fingerprint';
import type { LoadedModel, ResolvedSource } from './source';

/** The active model of a slot. */
export interface ActiveModel {
  /** Owned by the slot, which closes it after it has been replaced and its calls are complete. */
  readonly model: Model;
  /** The version number, starting at 1. */
  readonly version: number;
  /** The name of the version's source. */
  readonly source: string;
}

/** A version of a slot's model, with its pending calls. */
export class ModelVersion implements ActiveModel {
  #loaded: LoadedModel;
  #calls = 0;
  #whenIdle: (() => void) | undefined;
  /** Resolves when the model of an unloaded version is freed. */
  #unloaded: Promise<void> | undefined;

  constructor(
    readonly version: number,
    readonly resolvedSource: ResolvedSource,
    loaded: LoadedModel,
  ) {
    this.#loaded = loaded;
  }

  /** A closed model while it is unloaded. */
  get model(): Model {
    return this.#loaded.model;
  }

  get fingerprint(): Fingerprint | undefined {
    return this.#loaded.fingerprint;
  }

  /** Resolves when the model is freed; undefined unless it is unloaded. */
  get unloaded(): Promise<void> | undefined {
    return this.#unloaded;
  }

  /** Whether no call is running. */
  get isIdle(): boolean {
    return this.#calls === 0;
  }

  get source(): string {
    return this.resolvedSource.name;
  }

  /** Calls `callback`; the model is not freed until its result settles. */
  async use<T>(callback: (active: ActiveModel) => T | Promise<T>): Promise<T> {
    if (typeof callback !== 'function')
      throw invalidArgument('the callback', 'a function', callback);
    this.#calls++;
    try {
      return await callback(this);
    } finally {
      this.#calls--;
      if (this.#calls === 0) this.#whenIdle?.();
    }
  }

  /** Frees the model of an idle version, which is in use again after `reload`. */
  async unload(): Promise<void> {
    this.#unloaded = this.model.close();
    await this.#unloaded;
  }

  /** Replaces the model that was unloaded by the same one. */
  reload(loaded: LoadedModel): void {
    this.#loaded = loaded;
    this.#unloaded = undefined;
  }

  /** Frees the model when its calls are complete. Call it once; do not call `use` afterwards. */
  async retire(): Promise<void> {
    if (this.#calls > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    await this.model.close();
  }

  /** Frees the model without waiting for its calls. */
  async abandon(): Promise<void> {
    await closeOrAbandon(this.model, 0);
  }
}
