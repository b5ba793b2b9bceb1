import { setImmediate } from 'node:timers/promises';
import { onAbort } from '../abort';
import { invalidArgument, invalidValue } from '../options';
import { CallQueue, completeQueueLimits, type QueueLimits } from './call-queue';
import { abortPatience, closeWithin, maxTimeout, type CloseOptions } from './close';
import type { ExecutorHandle, ModelHandle, Native } from './native';

/** More threads than any machine has cores, yet few enough to start. */
const maxThreads = 1024;
const countRange = `an integer from 1 to ${maxThreads}`;

let defaultThreads = 0;

/** The threads of a model. */
export interface ExecutorOptions {
  /** The number of threads that compute one call; that of `setThreads` by default. */
  readonly threads?: number;
  /** The number of calls that run concurrently; 1 by default. With more, calls may finish out of order. */
  readonly instances?: number;
  /**
   * The maximum time that one call of a TorchScript method may run, in milliseconds; unlimited by default. A call
   * that exceeds it is rejected with `ERR_SEMISUP_TIMEOUT`, and another thread serves the other calls. Running
   * native code cannot be stopped: its thread ends with the call. While four such calls are running, the model
   * refuses further ones with the same error. Synchronous calls are not limited.
   */
  readonly callTimeout?: number;
  /** Limits on pending calls: those that exceed them are rejected at once with `ERR_SEMISUP_BUSY`. */
  readonly queue?: QueueLimits;
}

/**
 * Sets the number of threads that compute one call, for models that are loaded afterwards. The default is one
 * per physical core.
 *
 * @param count an integer from 1 to 1024
 * @throws OptionError if it is out of range
 */
export function setThreads(count: number): void {
  if (!isCount(count)) throw invalidArgument('count', countRange, count);
  defaultThreads = count;
}

/** The default number of intra-op threads that was set by `setThreads`; undefined for one per physical core. */
export function threadsByDefault(): number | undefined {
  return defaultThreads || undefined;
}

/** How threads share the processor with others. */
export type Priority = 'normal' | 'background';

/** The threads of a model, which share one task queue. All work of the model runs on them. */
export class Executor<N extends Native = Native> {
  #closed: Promise<void> | undefined;

  private constructor(
    readonly native: N,
    readonly handle: ExecutorHandle,
    /** The number of threads that compute one call; 0 for the default. */
    readonly threads: number,
    /** The number of tasks that run concurrently. */
    readonly instances: number,
    /** The maximum time of one call, in milliseconds; 0 if it is unlimited. */
    readonly callTimeout: number,
    readonly queue: CallQueue,
  ) {}

  /**
   * Starts threads of an addon.
   *
   * @param priority `'background'` for work that yields to that of other executors
   * @throws OptionError if a number is out of range
   */
  static start<N extends Native>(
    native: N,
    options: ExecutorOptions = {},
    priority: Priority = 'normal',
  ): Executor<N> {
    const { instances, threads, callTimeout, queue } = checkExecutorOptions(options);
    const handle = native.createExecutor(instances, threads, priority === 'background');
    return new Executor(native, handle, threads, instances, callTimeout, new CallQueue(queue));
  }

  /**
   * Refuses new work, waits for pending work, then frees `model`. Idempotent.
   *
   * @throws ScriptError `ERR_SEMISUP_TIMEOUT` if work is still running after `timeout`
   */
  async close(model?: ModelHandle, options: CloseOptions = {}): Promise<void> {
    this.#closed ??= this.#close(model);
    await closeWithin(this.#closed, options, () => {
      this.#abandon();
    });
  }

  /** Waits for `work`. If it still runs a while after the signal is aborted, abandons the threads. */
  async abandonOnAbort<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const abandonLater = () => {
      timer = setTimeout(() => {
        this.#abandon();
      }, abortPatience);
    };
    let remove: (() => void) | undefined;
    if (signal?.aborted) abandonLater();
    else remove = signal && onAbort(signal, abandonLater);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
      remove?.();
    }
  }

  /** Rejects all pending work. What is running continues on threads that are no longer waited for. */
  #abandon(): void {
    this.native.abandonExecutor(this.handle);
  }

  async #close(model: ModelHandle | undefined): Promise<void> {
    await this.native.closeExecutor(this.handle, model);
    // Promises of calls that finished at the same time settle first.
    await setImmediate();
  }
}

interface CheckedOptions extends Required<ExecutorOptions> {
  readonly queue: Required<QueueLimits>;
}

/** @throws OptionError if a value is out of range */
export function checkExecutorOptions(options: ExecutorOptions): CheckedOptions {
  const { threads, instances = 1, callTimeout, queue } = options;
  return {
    instances: checkCount('instances', instances),
    threads: threads === undefined ? defaultThreads : checkCount('threads', threads),
    callTimeout: callTimeout === undefined ? 0 : checkTimeout(callTimeout),
    queue: completeQueueLimits(queue),
  };
}

function checkTimeout(timeout: number): number {
  if (Number.isFinite(timeout) && timeout > 0 && timeout <= maxTimeout) return Math.ceil(timeout);
  throw invalidValue('callTimeout', `milliseconds in (0, ${maxTimeout}]`, timeout);
}

function checkCount(name: string, count: number): number {
  if (isCount(count)) return count;
  throw invalidValue(name, countRange, count);
}

function isCount(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && count <= maxThreads;
}
