import { asyncDispose } from '../dispose';
import { emit } from '../emit';
import { DisposedError, OptionError, type SwapError } from '../errors';
import { checkCloseOptions, closeWithin, rejectOnAbort, type CloseOptions } from '../native';
import { createEvent, type SlotEvents } from './events';
import { FileWatcher } from './file-watcher';
import { ReplaceableModel } from './replaceable-model';
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

/** How long a watched file must stay unchanged before it is loaded, in milliseconds. */
const defaultSettle = 200;

/** The result of a swap. */
export interface SwapResult {
  /** The new version. */
  readonly version: number;
  /** The name of the version's source. */
  readonly source: string;
  /** Resolves when the previous model has completed its last call and is freed. */
  readonly drained: Promise<void>;
}

/**
 * A stable handle to a model that can be replaced while calls run. Each call runs entirely on the version
 * that is active when it starts; a replaced version is freed when its last call completes.
 */
export class ModelSlot extends ReplaceableModel implements AsyncDisposable {
  readonly #options: SlotOptions;
  #current: ModelVersion;
  #pendingSwap: Swap | undefined;
  #watchOptions: WatchOptions | undefined;
  #watcher: FileWatcher | undefined;
  #closed: Promise<void> | undefined;
  /** The active version and those that are draining. */
  readonly #versions = new Set<ModelVersion>();
  /** Draining versions and pending swaps, which `close` waits for. */
  readonly #pending = new Set<Promise<void>>();

  private constructor(current: ModelVersion, options: SlotOptions) {
    super();
    this.#current = current;
    this.#versions.add(current);
    this.#options = options;
  }

  /**
   * Opens a slot with its first model.
   *
   * @param source one of: a hub model name or alias; the path, file URL or bytes of a TorchScript file; a
   *   function that returns a `Classifier` or `ScriptModule`. A string that is not a hub name is a path. A
   *   file written by `hub.exportTorchScript` opens as a `Classifier`, any other as a `ScriptModule`.
   * @throws ModelError if the file does not exist, or is not TorchScript
   * @throws OptionError if an option is unknown or has an invalid value
   * @throws what `hub.load`, `ScriptModule.load` or the function throws
   */
  static async open(source: ModelSource, options: SlotOpenOptions = {}): Promise<ModelSlot> {
    checkSlotOptions(options);
    const { signal = new AbortController().signal, ...rest } = options;
    const resolvedSource = resolveSource(source, rest);
    signal.throwIfAborted();
    const loading = resolvedSource.load(signal);
    try {
      const loaded = await rejectOnAbort(signal, loading);
      return new ModelSlot(new ModelVersion(1, resolvedSource, loaded), rest);
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
   * model stays active until then, and is freed when its calls complete. If the swap fails, the
   * previous model stays active. A later swap supersedes a pending one.
   *
   * @param source like that of `open`
   * @returns the new version, once it is active
   * @throws SwapError if the swap fails, times out or is superseded: `code` says which, `cause` is the
   *   underlying error
   * @throws DisposedError if the slot is closed before the new model is active
   */
  async swap(source: ModelSource, options: SwapOptions = {}): Promise<SwapResult> {
    checkSwapOptions(options);
    const resolvedSource = resolveSource(source, this.#options);
    this.#checkOpen();
    options.signal?.throwIfAborted();
    const previous = this.#pendingSwap;
    previous?.abort(supersededError(previous.resolvedSource, resolvedSource));
    const swap = new Swap(resolvedSource, options);
    this.#pendingSwap = swap;
    const swapping = this.#run(swap, previous?.ended);
    swap.ended = this.#track(this.#whenEnded(swap, swapping, previous?.ended));
    return await swapping;
  }

  /**
   * Watches the active model's file, and swaps once it has been replaced or rewritten and has stopped
   * changing. After a swap to another file, watches that one. A failed swap emits `failed`, and is retried
   * when the file changes again. Does not keep the process alive.
   *
   * @throws OptionError if the source of the active model is not a file
   */
  watch(options: WatchOptions = {}): void {
    checkWatchOptions(options);
    this.#checkOpen();
    if (this.#current.resolvedSource.path === undefined) {
      throw new OptionError('ERR_SEMISUP_OPTION_VALUE', {
        what: `The active model cannot be watched, because its source is not a file: ${this.source}.`,
        remedy: 'Swap to a model file first.',
        value: this.source,
      });
    }
    this.#watchOptions = options;
    this.#updateWatcher();
  }

  /** Stops watching. A pending swap continues. */
  unwatch(): void {
    this.#watchOptions = undefined;
    this.#updateWatcher();
  }

  /**
   * Refuses new calls, aborts a pending swap, waits for pending calls, then frees all models. Idempotent.
   *
   * @throws ScriptError `ERR_SEMISUP_TIMEOUT` if calls are still running after `timeout`
   */
  async close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options);
    this.#closed ??= this.#close();
    await closeWithin(this.#closed, options, async () => {
      await Promise.all([...this.#versions].map((version) => version.abandon()));
    });
  }

  /** Same as `close()`. */
  async [asyncDispose](): Promise<void> {
    await this.close();
  }

  protected get active(): ActiveModel {
    return this.#current;
  }

  async #run(swap: Swap, previousEnded: Promise<void> | undefined): Promise<SwapResult> {
    const current = this.#current;
    const version = current.version + 1;
    const makeEvent = () => createEvent(version, swap.resolvedSource.name, swap.startTime);
    try {
      const loaded = await swap.prepare({
        current: current.model,
        previousEnded,
        lastForwardCall: () => this.lastForwardCall,
        emit: (name) => {
          this.#emit(name, makeEvent());
        },
      });
      swap.throwIfAborted();
      return this.#switch(swap, new ModelVersion(version, swap.resolvedSource, loaded));
    } catch (error) {
      this.#emit('failed', { ...makeEvent(), error });
      throw error;
    } finally {
      swap.release();
      if (this.#pendingSwap === swap) this.#pendingSwap = undefined;
    }
  }

  /**
   * Resolves when this swap and all earlier ones have ended, and failed ones have freed their models. The
   * next swap waits for it, so that at most one new model is loaded at a time.
   */
  async #whenEnded(
    swap: Swap,
    swapping: Promise<SwapResult>,
    previousEnded: Promise<void> | undefined,
  ): Promise<void> {
    await swapping.catch(() => swap.discard(this.#current.model));
    await previousEnded;
  }

  /**
   * Makes `next` the active version. Synchronous, so that the swap cannot be aborted between
   * `swap.throwIfAborted()` and the switch, and no call can start on a retired version.
   */
  #switch(swap: Swap, next: ModelVersion): SwapResult {
    const old = this.#current;
    this.#current = next;
    this.#versions.add(next);
    this.#updateWatcher();
    const { version, source } = next;
    const drained = this.#track(
      old.retire().then(() => {
        this.#versions.delete(old);
        this.#emit('drained', createEvent(old.version, old.source, swap.startTime));
      }),
    );
    this.#emit('swap', createEvent(version, source, swap.startTime));
    return { version, source, drained };
  }

  #updateWatcher(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    const { resolvedSource, loaded } = this.#current;
    if (!this.#watchOptions || resolvedSource.path === undefined) return;
    const { settle = defaultSettle, ...options } = this.#watchOptions;
    const { path } = resolvedSource;
    const watcher: FileWatcher = new FileWatcher(path, {
      settle,
      known: loaded.fingerprint,
      onChange: () => this.#reload(watcher, path, options),
    });
    this.#watcher = watcher;
  }

  /**
   * Swaps to the changed file. An explicit swap takes precedence: waits for it, and stops if it succeeded,
   * because the slot then has another watcher or none. Retries if superseded.
   */
  async #reload(watcher: FileWatcher, path: string, options: SwapOptions): Promise<void> {
    while (this.#watcher === watcher) {
      if (this.#pendingSwap) {
        await this.#pendingSwap.ended;
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
    this.#pendingSwap?.abort(closedError());
    const retired = this.#current.retire();
    await Promise.all([retired, ...this.#pending]);
  }

  #track(work: Promise<void>): Promise<void> {
    this.#pending.add(work);
    const untrack = () => this.#pending.delete(work);
    work.then(untrack, untrack);
    return work;
  }

  #emit<Name extends keyof SlotEvents>(name: Name, ...event: SlotEvents[Name]): void {
    emit(this, name, ...event);
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}

function closedError(): DisposedError {
  return new DisposedError('ERR_SEMISUP_DISPOSED', {
    what: 'The slot was closed.',
    remedy: 'Call close() only after the last use, or open a new slot.',
  });
}
