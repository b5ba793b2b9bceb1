import { ScriptError } from '../errors';
import { Semaphore } from '../semaphore';

/** How a batcher forms batches. */
export interface BatcherOptions<Input> {
  /** The maximum number of rows in a batch. An input that has more is a batch of its own. */
  readonly maxBatchSize: number;
  /** The number of rows of an input; 1 by default. */
  readonly rowsOf?: (input: Input) => number;
  /** The number of batches that run concurrently. */
  readonly concurrency: number;
  /** The time that a ready input waits for inputs being prepared, in milliseconds. */
  readonly maxDelay: number;
  /**
   * Limits the memory of the inputs, in bytes. An input reserves its memory while it is prepared, and releases it
   * when its batch ends. Several batchers may share it.
   */
  readonly memory: Semaphore;
}

/** Reserves memory for an input that is being prepared; resolves when it is available. Call it at most once. */
export type Reserve = (bytes: number) => Promise<void>;

/** Options of `Batcher.add`. */
export interface AddOptions {
  /** Rejects with the signal's reason, unless the input's batch runs already. */
  readonly signal?: AbortSignal;
  /** The call that the input belongs to; by default each input is a separate call. */
  readonly call?: object;
}

interface Request<Input, Result> {
  readonly input: Input;
  readonly signal: AbortSignal | undefined;
  readonly readySince: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Combines inputs of any calls into batches: a batch takes the inputs that are ready when the previous
 * one ends. An input that arrives alone runs immediately.
 *
 * The semaphores alone limit memory. The number of running batches determines when a batch may start;
 * inputs collect until then.
 */
export class Batcher<Input, Result> {
  readonly #options: BatcherOptions<Input>;
  readonly #run: (inputs: readonly Input[]) => Promise<readonly Result[]>;
  /**
   * Limits the inputs between preparation and result to those of the running batches and the next one.
   * Calls take turns, and one call holds at most two batches, so that a call with many inputs does not
   * delay the others.
   */
  readonly #inFlight: Semaphore;
  readonly #ready: Request<Input, Result>[] = [];
  #preparing = 0;
  #runningBatches = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param run computes the results of a batch, in the order of its inputs */
  constructor(
    options: BatcherOptions<Input>,
    run: (inputs: readonly Input[]) => Promise<readonly Result[]>,
  ) {
    const { maxBatchSize, concurrency } = options;
    this.#options = options;
    this.#run = run;
    this.#inFlight = new Semaphore(maxBatchSize * (concurrency + 1), 2 * maxBatchSize);
  }

  /** Resolves to the result for the input that `prepare` returns. Rejects if `prepare` or the batch fails. */
  async add(
    prepare: (reserve: Reserve) => Promise<Input>,
    { signal, call = {} }: AddOptions = {},
  ): Promise<Result> {
    const runInput = async (reserve: Reserve) => {
      this.#preparing++;
      let input: Input;
      try {
        input = await prepare(reserve);
      } catch (error) {
        this.#preparing--;
        // A batch may have been waiting for this input.
        this.#startBatch();
        throw error;
      }
      // No await until the input is in `#ready`: a batch that starts in between would not contain it.
      this.#preparing--;
      return await new Promise<Result>((resolve, reject) => {
        this.#ready.push({ input, signal, readySince: performance.now(), resolve, reject });
        this.#startBatch();
      });
    };
    const task = () => this.#withMemory(runInput, signal, call);
    return await this.#inFlight.run(task, { signal, owner: call });
  }

  /** Runs `task`, and releases the memory that it reserves when it ends. */
  async #withMemory<T>(
    task: (reserve: Reserve) => Promise<T>,
    signal: AbortSignal | undefined,
    owner: object,
  ): Promise<T> {
    let release: (() => void) | undefined;
    const ended = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reserve = async (weight: number) => {
      await new Promise<void>((resolve, reject) => {
        const hold = async () => {
          resolve();
          await ended;
        };
        this.#options.memory.run(hold, { signal, owner, weight }).catch(reject);
      });
    };
    try {
      return await task(reserve);
    } finally {
      release?.();
    }
  }

  /** Starts a batch, unless the limit is reached, no input is ready, or waiting would enlarge it. */
  #startBatch(): void {
    const { concurrency, maxDelay } = this.#options;
    const [oldest] = this.#ready;
    if (!oldest || this.#runningBatches >= concurrency) return;
    const delay = oldest.readySince + maxDelay - performance.now();
    const { size, isFull } = this.#nextBatch();
    if (!isFull && this.#preparing > 0 && delay > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#startBatch();
      }, delay);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.#runBatch(this.#ready.splice(0, size));
  }

  /** How many ready inputs fit into a batch, and whether it has room for no other. */
  #nextBatch(): { readonly size: number; readonly isFull: boolean } {
    const { maxBatchSize, rowsOf = () => 1 } = this.#options;
    let size = 0;
    let rows = 0;
    for (const { input } of this.#ready) {
      rows += rowsOf(input);
      if (size > 0 && rows > maxBatchSize) break;
      size++;
    }
    return { size, isFull: rows >= maxBatchSize };
  }

  async #runBatch(requests: readonly Request<Input, Result>[]): Promise<void> {
    this.#runningBatches++;
    await this.#settle(requests);
    this.#runningBatches--;
    this.#startBatch();
  }

  async #settle(requests: readonly Request<Input, Result>[]): Promise<void> {
    for (const { signal, reject } of requests) if (signal?.aborted) reject(signal.reason);
    const batch = requests.filter(({ signal }) => !signal?.aborted);
    if (batch.length === 0) return;
    try {
      const results = await this.#run(batch.map(({ input }) => input));
      for (const [i, { resolve }] of batch.entries()) resolve(results[i]!);
    } catch (error) {
      // One input can fail the whole batch, and with it other calls: run each input alone. After a timeout,
      // though, each would occupy another thread.
      const isTimeout = error instanceof ScriptError && error.code === 'ERR_SEMISUP_TIMEOUT';
      if (batch.length === 1 || isTimeout) for (const { reject } of batch) reject(error);
      else for (const request of batch) await this.#settle([request]);
    }
  }
}
