import { setImmediate } from 'node:timers/promises';
import { invalidArgument, invalidValue } from '../options';
import { openNative, openNativeSync } from './addon';
import type { ExecutorHandle, ModuleHandle, Native } from './native';

/** More threads than any machine has cores, yet few enough to start. */
const maxThreads = 1024;
const countRange = `an integer from 1 to ${maxThreads}`;

let defaultThreads = 0;
let sharedExecutor: Executor | undefined;

/** The threads of a model. */
export interface ExecutorOptions {
  /** The number of intra-op threads of LibTorch; that of `setThreads` by default. */
  readonly threads?: number;
  /** The number of calls that run concurrently; 1 by default. With more, calls may finish out of order. */
  readonly instances?: number;
}

/**
 * Sets the number of LibTorch's intra-op threads, for models that are loaded afterwards. The default is
 * LibTorch's: one per physical core.
 *
 * @param count an integer from 1 to 1024
 * @throws OptionError if it is out of range
 */
export function setThreads(count: number): void {
  if (!isCount(count)) throw invalidArgument('count', countRange, count);
  defaultThreads = count;
}

/** The default number of intra-op threads that was set by `setThreads`; undefined for LibTorch's. */
export function threadsByDefault(): number | undefined {
  return defaultThreads || undefined;
}

/** The threads of a model, which share one task queue. All work of the model runs on them. */
export class Executor {
  #closed: Promise<void> | undefined;

  private constructor(
    readonly native: Native,
    readonly handle: ExecutorHandle,
    /** The number of intra-op threads; 0 for LibTorch's default. */
    readonly threads: number,
    /** The number of tasks that run concurrently. */
    readonly instances: number,
  ) {}

  /** Returns the executor for short work that belongs to no model. */
  static async shared(): Promise<Executor> {
    await openNative();
    return Executor.sharedSync();
  }

  /** Like `shared`, but blocks while LibTorch is loaded. */
  static sharedSync(): Executor {
    return (sharedExecutor ??= Executor.openSync({ threads: 1 }));
  }

  /** Starts the threads. @throws OptionError if a number is out of range */
  static async open(options: ExecutorOptions = {}): Promise<Executor> {
    const counts = checkCounts(options);
    const native = await openNative();
    return new Executor(native, native.createExecutor(...counts), counts[1], counts[0]);
  }

  /** Like `open`, but blocks while LibTorch is loaded. */
  static openSync(options: ExecutorOptions = {}): Executor {
    const counts = checkCounts(options);
    const native = openNativeSync();
    return new Executor(native, native.createExecutor(...counts), counts[1], counts[0]);
  }

  /** Refuses new work, waits for pending work, then frees `module`. Idempotent. */
  async close(module?: ModuleHandle): Promise<void> {
    this.#closed ??= this.#close(module);
    await this.#closed;
  }

  async #close(module: ModuleHandle | undefined): Promise<void> {
    await this.native.closeExecutor(this.handle, module);
    // Promises of calls that finished at the same time settle first.
    await setImmediate();
  }
}

function checkCounts({ threads, instances = 1 }: ExecutorOptions): [number, number] {
  return [
    checkCount('instances', instances),
    threads === undefined ? defaultThreads : checkCount('threads', threads),
  ];
}

function checkCount(name: string, count: number): number {
  if (isCount(count)) return count;
  throw invalidValue(name, countRange, count);
}

function isCount(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && count <= maxThreads;
}
