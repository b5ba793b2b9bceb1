import type { EventEmitter } from 'node:events';
import { DisposedError, type SwapError } from '../errors';
import { invalidValue } from '../options';
import { whenAborted } from '../torch';
import { toEvent, type SlotEvents } from './events';
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
import { ServingModel, type Serving } from './serving';
import { toSource, type ModelSource } from './source';
import { superseded, Swap } from './swap';

/** For how long a watched file must stay as it is, in milliseconds. */
const defaultSettle = 200;

/** A swap that is done. */
export interface Swapped {
  /** The version that serves now. */
  readonly version: number;
  /** The name of its source. */
  readonly source: string;
  /** Resolves when the old model has answered its last request and is freed. */
  readonly drained: Promise<void>;
}

/**
 * A stable handle on a model that can be swapped for another while it serves. Each request is answered
 * wholly by the version that served when it came; a version is freed when its last request is answered.
 */
export class ModelSlot extends ModelHandle implements AsyncDisposable {
  readonly #options: SlotOptions;
  #current: ServingModel;
  #swap: Swap | undefined;
  #watch: WatchOptions | undefined;
  #watcher: FileWatcher | undefined;
  #closed: Promise<void> | undefined;
  /** What `close` waits for: versions that drain, and swaps that end. */
  readonly #pending = new Set<Promise<void>>();

  private constructor(current: ServingModel, options: SlotOptions) {
    super();
    this.#current = current;
    this.#options = options;
  }

  /**
   * Opens a slot with its first model.
   *
   * @param source a name of the hub (or an alias), or else the path of a TorchScript file; a file URL,
   *   the bytes of such a file, or a function that makes a `Classifier` or a `ScriptModule`. TorchScript
   *   with the metadata of an export is a classifier, all other a bare module.
   * @throws ModelError if there is no such file, or it is no TorchScript
   * @throws OptionError if an option is unknown or out of range; otherwise as `hub.load` and
   *   `ScriptModule.load`, or what the function throws
   */
  static async open(source: ModelSource, options: SlotOpenOptions = {}): Promise<ModelSlot> {
    checkSlotOptions(options);
    const { signal = new AbortController().signal, ...rest } = options;
    const origin = toSource(source, rest);
    signal.throwIfAborted();
    const loading = origin.load(signal);
    try {
      const loaded = await whenAborted(signal, loading);
      return new ModelSlot(new ServingModel(1, origin, loaded), rest);
    } catch (error) {
      loading.then(({ model }) => model.close()).catch(() => undefined);
      throw error;
    }
  }

  async use<T>(work: (serving: Serving) => T | Promise<T>): Promise<T> {
    this.#checkOpen();
    return await this.#current.use(work);
  }

  /**
   * Swaps the model for another: loads it off to the side, warms it up, checks it, and switches in one
   * step. The old one serves until then; it is freed when it has answered what it was asked. If anything
   * fails, the old one serves on. Of two swaps at once the later one wins.
   *
   * @param source as that of `open`
   * @returns when the new model serves
   * @throws SwapError that tells by its `code` at which stage it failed, with the `cause`
   * @throws DisposedError if the slot is closed before the new model serves
   */
  async swap(source: ModelSource, options: SwapOptions = {}): Promise<Swapped> {
    checkSwapOptions(options);
    const origin = toSource(source, this.#options);
    this.#checkOpen();
    options.signal?.throwIfAborted();
    const before = this.#swap;
    before?.abort(superseded(before.source, origin));
    const swap = new Swap(origin, options);
    this.#swap = swap;
    const swapping = this.#run(swap, before?.ended);
    swap.ended = this.#track(this.#end(swap, swapping, before?.ended));
    return await swapping;
  }

  /**
   * Follows the file of the model that serves, now and after each swap to another file, and swaps when
   * it is replaced or rewritten and nobody writes to it any more. A swap that fails emits `failed`, and
   * is tried again when the file changes again. Does not keep the process alive.
   *
   * @throws OptionError if the source of the model that serves is no file
   */
  watch(options: WatchOptions = {}): void {
    checkWatchOptions(options);
    this.#checkOpen();
    if (this.#current.origin.path === undefined) {
      throw invalidValue('the source of a model that is watched', 'a path', this.source);
    }
    this.#watch = options;
    this.#follow();
  }

  /** Follows no file any more. A swap that has begun goes on. */
  unwatch(): void {
    this.#watch = undefined;
    this.#follow();
  }

  /**
   * Refuses new work, gives up a swap that has not come to its end, lets the requests that have come
   * finish, and frees all models. Idempotent.
   */
  async close(): Promise<void> {
    this.#closed ??= this.#finish();
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  protected get serving(): Serving {
    return this.#current;
  }

  async #run(swap: Swap, cleared: Promise<void> | undefined): Promise<Swapped> {
    const current = this.#current;
    const version = current.version + 1;
    const event = () => toEvent(version, swap.source.name, swap.began);
    try {
      const loaded = await swap.prepare({
        current: current.model,
        cleared,
        seen: () => this.lastRequest,
        tell: (name) => {
          this.#tell(name, event());
        },
      });
      swap.throwIfAborted();
      return this.#switch(swap, new ServingModel(version, swap.source, loaded));
    } catch (error) {
      this.#tell('failed', { ...event(), error });
      throw error;
    } finally {
      swap.release();
      if (this.#swap === swap) this.#swap = undefined;
    }
  }

  /** After the swap before has ended too: no more than one model is under way at a time. */
  async #end(swap: Swap, swapping: Promise<Swapped>, before?: Promise<void>): Promise<void> {
    await swapping.catch(() => swap.discard(this.#current.model));
    await before;
  }

  /** All in one go: no request comes between. */
  #switch(swap: Swap, next: ServingModel): Swapped {
    const old = this.#current;
    this.#current = next;
    this.#follow();
    const { version, source } = next;
    const drained = this.#track(
      old.retire().then(() => {
        this.#tell('drained', toEvent(old.version, old.source, swap.began));
      }),
    );
    this.#tell('swap', toEvent(version, source, swap.began));
    return { version, source, drained };
  }

  #follow(): void {
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

  /** A swap that somebody asked for goes first, and may well end the watching of this file. */
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

  async #finish(): Promise<void> {
    this.unwatch();
    this.#swap?.abort(closed());
    const retired = this.#current.retire();
    await Promise.all([retired, ...this.#pending]);
  }

  #track(work: Promise<void>): Promise<void> {
    this.#pending.add(work);
    const forget = () => this.#pending.delete(work);
    work.then(forget, forget);
    return work;
  }

  /** A listener that throws may not undo a swap: its error is thrown where nobody waits. */
  #tell<Name extends keyof SlotEvents>(name: Name, ...event: SlotEvents[Name]): void {
    try {
      (this as EventEmitter).emit(name, ...event);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw closed();
  }
}

function closed(): DisposedError {
  return new DisposedError('ERR_SEMISUP_DISPOSED', {
    what: 'The slot is closed.',
    remedy: 'Keep it open for longer, or open another.',
  });
}
