import type { EventEmitter } from 'node:events';
import { DisposedError, type SwapError } from '../errors';
import { invalidValue } from '../options';
import { rejectOnAbort } from '../torch';
import { createEvent, type SlotEvents } from './events';
import { FileWatcher } from './file-watcher';
import { ModelHandle } from './model-handle';
import {
  checkSlotOptions,
  checkSwapOptions,
  checkWatchOptions,
  type SlotOpenOptions,
  type SlotOptions,
  type SwapOptions,
  type WatchOptions,
} from './options';
import { ModelVersion, type ActiveModel } from './model-version';
import { resolveSource, type ModelSource } from './source';
import { supersededError, Swap } from './swap';

/** The time that a watched file must stay unchanged, in milliseconds. */
const defaultSettle = 200;

/** The result of a swap. */
export interface SwapResult {
  /** The new version. */
  readonly version: number;
  /** The name of the version's source. */
  readonly source: string;
  /** Resolves when the previous model has completed its last request and is freed. */
  readonly drained: Promise<void>;
}

/**
 * A stable handle to a model that can be replaced while requests run. Each request runs entirely on the
 * version that is active when it arrives; a version is freed when its last request completes.
 */
export class ModelSlot extends ModelHandle implements AsyncDisposable {
  readonly #options: SlotOptions;
  #current: ModelVersion;
  #swap: Swap | undefined;
  #watch: WatchOptions | undefined;
  #watcher: FileWatcher | undefined;
  #closed: Promise<void> | undefined;
  /** Draining versions and pending swaps, which `close` waits for. */
  readonly #pending = new Set<Promise<void>>();

  private constructor(current: ModelVersion, options: SlotOptions) {
    super();
    this.#current = current;
    this.#options = options;
  }

  /**
   * Opens a slot with its first model.
   *
   * @param source the name or alias of a model in the hub, otherwise the path of a TorchScript file; a file
   *   URL, the bytes of such a file, or a function that returns a `Classifier` or a `ScriptModule`.
   *   TorchScript with the metadata of an export is a classifier, any other a module.
   * @throws ModelError if the file does not exist, or is not TorchScript
   * @throws OptionError if an option is unknown or out of range; otherwise the errors of `hub.load`,
   *   `ScriptModule.load` or the function
   */
  static async open(source: ModelSource, options: SlotOpenOptions = {}): Promise<ModelSlot> {
    checkSlotOptions(options);
    const { signal = new AbortController().signal, ...rest } = options;
    const origin = resolveSource(source, rest);
    signal.throwIfAborted();
    const loading = origin.load(signal);
    try {
      const loaded = await rejectOnAbort(signal, loading);
      return new ModelSlot(new ModelVersion(1, origin, loaded), rest);
    } catch (error) {
      loading.then(({ model }) => model.close()).catch(() => undefined);
      throw error;
    }
  }

  async use<T>(callback: (active: ActiveModel) => T | Promise<T>): Promise<T> {
    this.#checkOpen();
    return await this.#current.use(callback);
  }

  /**
   * Replaces the model: loads, warms up and checks another one, then switches atomically. The previous
   * model stays active until then, and is freed when its requests complete. If the swap fails, it stays
   * active. A later swap supersedes a pending one.
   *
   * @param source like that of `open`
   * @returns the new version, once it is active
   * @throws SwapError whose `code` names the stage that failed, with the `cause`
   * @throws DisposedError if the slot is closed before the new model is active
   */
  async swap(source: ModelSource, options: SwapOptions = {}): Promise<SwapResult> {
    checkSwapOptions(options);
    const origin = resolveSource(source, this.#options);
    this.#checkOpen();
    options.signal?.throwIfAborted();
    const previous = this.#swap;
    previous?.abort(supersededError(previous.source, origin));
    const swap = new Swap(origin, options);
    this.#swap = swap;
    const swapping = this.#run(swap, previous?.ended);
    swap.ended = this.#track(this.#end(swap, swapping, previous?.ended));
    return await swapping;
  }

  /**
   * Watches the file of the active model, also after a swap to another file, and swaps when it is replaced
   * or rewritten and no longer written to. A failed swap emits `failed`, and is retried when the file
   * changes again. Does not keep the process alive.
   *
   * @throws OptionError if the source of the active model is not a file
   */
  watch(options: WatchOptions = {}): void {
    checkWatchOptions(options);
    this.#checkOpen();
    if (this.#current.origin.path === undefined) {
      throw invalidValue('the source of a watched model', 'a path', this.source);
    }
    this.#watch = options;
    this.#updateWatcher();
  }

  /** Stops watching. A pending swap continues. */
  unwatch(): void {
    this.#watch = undefined;
    this.#updateWatcher();
  }

  /**
   * Refuses new requests, aborts a pending swap, waits for pending requests, then frees all models.
   * Idempotent.
   */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  protected get active(): ActiveModel {
    return this.#current;
  }

  async #run(swap: Swap, previousEnded: Promise<void> | undefined): Promise<SwapResult> {
    const current = this.#current;
    const version = current.version + 1;
    const event = () => createEvent(version, swap.source.name, swap.startTime);
    try {
      const loaded = await swap.prepare({
        current: current.model,
        previousEnded,
        lastRequest: () => this.lastRequest,
        emit: (name) => {
          this.#emit(name, event());
        },
      });
      swap.throwIfAborted();
      return this.#switch(swap, new ModelVersion(version, swap.source, loaded));
    } catch (error) {
      this.#emit('failed', { ...event(), error });
      throw error;
    } finally {
      swap.release();
      if (this.#swap === swap) this.#swap = undefined;
    }
  }

  /** Ends after the previous swap has ended, so that at most one new model is loaded at a time. */
  async #end(swap: Swap, swapping: Promise<SwapResult>, previous?: Promise<void>): Promise<void> {
    await swapping.catch(() => swap.discard(this.#current.model));
    await previous;
  }

  /** Synchronous, so that no request arrives in between. */
  #switch(swap: Swap, next: ModelVersion): SwapResult {
    const old = this.#current;
    this.#current = next;
    this.#updateWatcher();
    const { version, source } = next;
    const drained = this.#track(
      old.retire().then(() => {
        this.#emit('drained', createEvent(old.version, old.source, swap.startTime));
      }),
    );
    this.#emit('swap', createEvent(version, source, swap.startTime));
    return { version, source, drained };
  }

  #updateWatcher(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    const { origin, loaded } = this.#current;
    if (!this.#watch || origin.path === undefined) return;
    const { settle = defaultSettle, ...options } = this.#watch;
    const { path } = origin;
    const watcher: FileWatcher = new FileWatcher(path, {
      settle,
      known: loaded.fingerprint,
      onChange: () => this.#reload(watcher, path, options),
    });
    this.#watcher = watcher;
  }

  /** Waits for a pending swap, which takes precedence and may end the watching of this file. */
  async #reload(watcher: FileWatcher, path: string, options: SwapOptions): Promise<void> {
    while (this.#watcher === watcher) {
      if (this.#swap) {
        await this.#swap.ended;
        continue;
      }
      try {
        await this.swap(path, options);
      } catch (error) {
        const { code } = error as SwapError;
        if (code !== 'ERR_SEMISUP_SWAP_SUPERSEDED') return;
      }
    }
  }

  async #close(): Promise<void> {
    this.unwatch();
    this.#swap?.abort(closedError());
    const retired = this.#current.retire();
    await Promise.all([retired, ...this.#pending]);
  }

  #track(work: Promise<void>): Promise<void> {
    this.#pending.add(work);
    const untrack = () => this.#pending.delete(work);
    work.then(untrack, untrack);
    return work;
  }

  /** A throwing listener must not make the swap fail: its error is rethrown as an uncaught exception. */
  #emit<Name extends keyof SlotEvents>(name: Name, ...event: SlotEvents[Name]): void {
    try {
      (this as EventEmitter).emit(name, ...event);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}

function closedError(): DisposedError {
  return new DisposedError('ERR_SEMISUP_DISPOSED', {
    what: 'The slot is closed.',
    remedy: 'Close it later, or open another one.',
  });
}
