import { Classifier } from '../classify';
import { asyncDispose } from '../dispose';
import { emit } from '../emit';
import { DisposedError, OptionError, type SwapError } from '../errors';
import { isSameFingerprint } from '../fingerprint';
import {
  checkCloseOptions,
  closeOrAbandon,
  closeWithin,
  rejectOnAbort,
  type CloseOptions,
} from '../native';
import { createEvent, type SlotEvents } from './events';
import { FileWatcher } from './file-watcher';
import { IdleTimer } from './idle-timer';
import { checkCompatibility, selectProbe } from './probe';
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
  readonly #idleTimer: IdleTimer;
  /** The load of the active model after it was unloaded. */
  #reloading: Promise<void> | undefined;
  readonly #closing = new AbortController();
  #pendingSwap: Swap | undefined;
  #watchOptions: WatchOptions | undefined;
  #watcher: FileWatcher | undefined;
  #closed: Promise<void> | undefined;
  /** The active version and those that are draining. */
  readonly #versions = new Set<ModelVersion>();
  /** Draining versions and pending swaps, which `close` waits for. */
  readonly #pending = new Set<Promise<void>>();

  private constructor(
    current: ModelVersion,
    options: SlotOptions,
    idleTimeout: number | undefined,
  ) {
    super();
    this.#current = current;
    this.#versions.add(current);
    this.#options = options;
    this.#idleTimer = new IdleTimer(idleTimeout, () => {
      this.#unload();
    });
    this.#idleTimer.restart();
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
    const { signal = new AbortController().signal, idleTimeout, ...rest } = options;
    const resolvedSource = resolveSource(source, rest);
    signal.throwIfAborted();
    const loading = resolvedSource.load(signal);
    try {
      const loaded = await rejectOnAbort(signal, loading);
      return new ModelSlot(new ModelVersion(1, resolvedSource, loaded), rest, idleTimeout);
    } catch (error) {
      loading.then(({ model }) => model.close()).catch(() => undefined);
      throw error;
    }
  }

  async use<T>(callback: (active: ActiveModel) => T | Promise<T>): Promise<T> {
    this.#checkOpen();
    if (this.#current.unloaded) await this.preload();
    this.#checkOpen();
    try {
      return await this.#current.use(callback);
    } finally {
      this.#idleTimer.restart();
    }
  }

  /**
   * Loads the active model again if it was unloaded after `idleTimeout`, so that the next call does not wait for it.
   * A file that was replaced in the meantime becomes a new version, if it is compatible with the previous one as for
   * `swap`.
   *
   * @throws what the source throws, as in `open`; ModelError (`ERR_SEMISUP_MODEL_KIND`) if the file was replaced by a
   *   model that is not compatible
   */
  async preload(): Promise<void> {
    this.#checkOpen();
    this.#idleTimer.restart();
    while (this.#current.unloaded) {
      this.#reloading ??= this.#reload().finally(() => {
        this.#reloading = undefined;
      });
      await this.#reloading;
      this.#checkOpen();
    }
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
    // An unloaded model whose file was replaced may become a version meanwhile.
    const nextVersion = () => this.#current.version + 1;
    const makeEvent = () => createEvent(nextVersion(), swap.resolvedSource.name, swap.startTime);
    try {
      const loaded = await swap.prepare({
        current: this.#current.model,
        previousEnded,
        lastForwardCall: () => this.lastForwardCall,
        emit: (name) => {
          this.#emit(name, makeEvent());
        },
      });
      swap.throwIfAborted();
      return this.#switch(swap, new ModelVersion(nextVersion(), swap.resolvedSource, loaded));
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
  #switch(swap: Pick<Swap, 'startTime'>, next: ModelVersion): SwapResult {
    const old = this.#current;
    this.#current = next;
    this.#versions.add(next);
    this.#idleTimer.restart();
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

  /** Frees the active model, unless it is in use. */
  #unload(): void {
    const current = this.#current;
    if (this.#closed || current.unloaded || !current.isIdle) return;
    const { model } = current;
    if (model instanceof Classifier && model.isTuning) {
      // Otherwise it would start again with each load.
      void model.whenTuned().then(() => {
        if (this.#current === current && !this.#closed) this.#idleTimer.restart();
      });
      return;
    }
    const startTime = performance.now();
    void this.#track(
      current.unload().then(() => {
        this.#emit('unloaded', createEvent(current.version, current.source, startTime));
      }),
    );
  }

  async #reload(): Promise<void> {
    const current = this.#current;
    const startTime = performance.now();
    await current.unloaded;
    const { signal } = this.#closing;
    const loaded = await current.resolvedSource.load(signal);
    try {
      const isSame = isSameFingerprint(loaded.fingerprint, current.fingerprint);
      if (!isSame) {
        const probe = selectProbe(loaded.model, current.model, this.lastForwardCall);
        await checkCompatibility(loaded.model, current.model, probe);
      }
      if (this.#closed || this.#current !== current) throw closedError();
      if (isSame) {
        current.reload(loaded);
        this.#idleTimer.restart();
      } else
        this.#switch(
          { startTime },
          new ModelVersion(current.version + 1, current.resolvedSource, loaded),
        );
    } catch (error) {
      await closeOrAbandon(loaded.model);
      if (this.#current === current) throw error;
      return;
    }
    const { version, source } = this.#current;
    this.#emit('reloaded', createEvent(version, source, startTime));
  }

  #updateWatcher(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    const { resolvedSource, fingerprint } = this.#current;
    if (!this.#watchOptions || resolvedSource.path === undefined) return;
    const { settle = defaultSettle, ...options } = this.#watchOptions;
    const { path } = resolvedSource;
    const watcher: FileWatcher = new FileWatcher(path, {
      settle,
      known: fingerprint,
      onChange: () => this.#swapToChanged(watcher, path, options),
    });
    this.#watcher = watcher;
  }

  /**
   * Swaps to the changed file. An explicit swap takes precedence: waits for it, and stops if it succeeded,
   * because the slot then has another watcher or none. Retries if superseded.
   */
  async #swapToChanged(watcher: FileWatcher, path: string, options: SwapOptions): Promise<void> {
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
    this.#idleTimer.stop();
    this.#closing.abort(closedError());
    this.#pendingSwap?.abort(closedError());
    await this.#reloading?.catch(() => undefined);
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
