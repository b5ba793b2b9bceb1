import { setImmediate } from 'node:timers/promises';
import { invalidValue } from '../options';
import { openNative, openNativeSync } from './addon';
import type { ExecutorHandle, ModuleHandle, Native } from './native';

/** More than any machine has cores for, and few enough that they can be started. */
const maxThreads = 1024;

let defaultThreads = 0;
let sharedExecutor: Executor | undefined;

/** How the threads of a model are arranged. */
export interface ExecutorOptions {
  /** How many threads LibTorch uses inside an operator; by default as `setThreads` says. */
  readonly threads?: number;
  /** How many calls run at a time; 1 by default. */
  readonly instances?: number;
}

/**
 * Sets how many threads LibTorch uses inside an operator, for models that are loaded afterwards.
 * The default is LibTorch's own: one for each physical core.
 *
 * @param count a whole number from 1 to 1024
 * @throws OptionError if it is none
 */
export function setThreads(count: number): void {
  defaultThreads = checkCount('the number of threads', count);
}

/** Threads of a model's own with one queue, on which everything of that model runs. */
export class Executor {
  #closed: Promise<void> | undefined;

  private constructor(
    readonly native: Native,
    readonly handle: ExecutorHandle,
    /** LibTorch's own inside an operator; 0 for its default. */
    readonly threads: number,
    /** How many tasks run at a time. */
    readonly instances: number,
  ) {}

  /** One for short work that belongs to no model. */
  static async shared(): Promise<Executor> {
    await openNative();
    return Executor.sharedSync();
  }

  /** As `shared`, but blocks while LibTorch is opened. */
  static sharedSync(): Executor {
    return (sharedExecutor ??= Executor.openSync({ threads: 1 }));
  }

  /** Starts the threads. @throws OptionError if a number is out of range */
  static async open(options: ExecutorOptions = {}): Promise<Executor> {
    const counts = checkCounts(options);
    const native = await openNative();
    return new Executor(native, native.createExecutor(...counts), counts[1], counts[0]);
  }

  /** As `open`, but blocks while LibTorch is opened. */
  static openSync(options: ExecutorOptions = {}): Executor {
    const counts = checkCounts(options);
    const native = openNativeSync();
    return new Executor(native, native.createExecutor(...counts), counts[1], counts[0]);
  }

  /** Refuses new work; resolves when that under way is done and `module` is freed. Idempotent. */
  async close(module?: ModuleHandle): Promise<void> {
    this.#closed ??= this.#close(module);
    await this.#closed;
  }

  async #close(module: ModuleHandle | undefined): Promise<void> {
    await this.native.closeModule(this.handle, module);
    // Answers that came at the same time are told first.
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
  if (Number.isInteger(count) && count >= 1 && count <= maxThreads) return count;
  throw invalidValue(name, `a whole number from 1 to ${maxThreads}`, count);
}
