import { wrongValue } from '../options';
import { openNative } from './addon';
import type { ExecutorHandle, Native } from './native';
import type { Tensor } from './tensor';

let defaultThreads = 0;

/**
 * Sets how many threads LibTorch uses inside an operator, for models that are loaded afterwards.
 * The default is LibTorch's own: one for each physical core.
 *
 * @param count a positive whole number
 * @throws OptionError if it is none
 */
export function setThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1) {
    throw wrongValue('the number of threads', 'a positive whole number', count);
  }
  defaultThreads = count;
}

/** A thread of its own with a queue, on which everything of one model runs. */
export class Executor {
  #closed: Promise<void> | undefined;

  /** @internal */
  constructor(
    readonly native: Native,
    readonly handle: ExecutorHandle,
  ) {}

  /** Starts a thread. `threads` is how many LibTorch may use inside an operator. */
  static async open({ threads = defaultThreads }: { threads?: number } = {}): Promise<Executor> {
    const native = await openNative();
    return new Executor(native, native.createExecutor(threads));
  }

  /**
   * Softmax and top-k of logits [n, classes]: n·k class indices and their probabilities, best first
   * in each row.
   */
  async topk(logits: Tensor, k: number): Promise<{ indices: Int32Array; scores: Float32Array }> {
    return await this.native.topk(this.handle, logits.handle, k);
  }

  /** Refuses new work; resolves when the work under way is done. Idempotent. */
  async close(): Promise<void> {
    this.#closed ??= this.native.closeExecutor(this.handle);
    await this.#closed;
  }
}
