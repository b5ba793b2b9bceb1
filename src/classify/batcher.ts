import { Semaphore } from '../semaphore';

/** How a batcher forms batches. */
export interface BatcherOptions {
  /** The largest number of inputs in a batch. */
  readonly maxBatchSize: number;
  /** How many batches run concurrently. */
  readonly concurrency: number;
  /** How long an input that is ready waits for those still being prepared, in milliseconds. */
  readonly maxDelay: number;
}

/** Options of `Batcher.add`. */
export interface AddOptions {
  /** Rejects with the signal's reason unless the batch of the input runs already. */
  readonly signal?: AbortSignal;
  /** The call that the input belongs to; each input is a call of its own by default. */
  readonly call?: object;
}

interface Request<Input, Answer> {
  readonly input: Input;
  readonly signal: AbortSignal | undefined;
  readonly readySince: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Combines inputs of any calls into batches: a batch takes the inputs that are ready when the previous
 * one ends. An input that comes alone runs at once.
 *
 * The semaphore alone limits what is in memory. The count of running batches is no second limit of it:
 * it says when a batch may start, and inputs collect while none may.
 */
export class Batcher<Input, Answer> {
  readonly #options: BatcherOptions;
  readonly #run: (inputs: readonly Input[]) => Promise<readonly Answer[]>;
  /**
   * Inputs from the start of their preparation to their answer: those of the running batches and of
   * the next one. Calls take turns, and one call holds two batches at most, so that a call of many
   * inputs leaves room for others.
   */
  readonly #inFlight: Semaphore;
  readonly #ready: Request<Input, Answer>[] = [];
  #preparing = 0;
  #runningBatches = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param run computes the answers of a batch, in the order of its inputs */
  constructor(
    options: BatcherOptions,
    run: (inputs: readonly Input[]) => Promise<readonly Answer[]>,
  ) {
    const { maxBatchSize, concurrency } = options;
    this.#options = options;
    this.#run = run;
    this.#inFlight = new Semaphore(maxBatchSize * (concurrency + 1), 2 * maxBatchSize);
  }

  /** The answer for the input that `prepare` makes. Rejects as `prepare` or the run of its batch does. */
  async add(
    prepare: () => Promise<Input>,
    { signal, call = {} }: AddOptions = {},
  ): Promise<Answer> {
    const answer = async () => {
      this.#preparing++;
      let input: Input;
      try {
        input = await prepare();
      } catch (error) {
        this.#preparing--;
        // A batch that was waiting for this input may start.
        this.#startBatch();
        throw error;
      }
      // Without an await until the input is in `#ready`: a batch that starts in between would miss it.
      this.#preparing--;
      return await new Promise<Answer>((resolve, reject) => {
        this.#ready.push({ input, signal, readySince: performance.now(), resolve, reject });
        this.#startBatch();
      });
    };
    return await this.#inFlight.run(answer, signal, call);
  }

  /** Starts a batch, unless too many run, none is ready, or waiting makes it larger. */
  #startBatch(): void {
    const { maxBatchSize, concurrency, maxDelay } = this.#options;
    const [oldest] = this.#ready;
    if (!oldest || this.#runningBatches >= concurrency) return;
    const delay = oldest.readySince + maxDelay - performance.now();
    if (this.#ready.length < maxBatchSize && this.#preparing > 0 && delay > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#startBatch();
      }, delay);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.#runBatch(this.#ready.splice(0, maxBatchSize));
  }

  async #runBatch(requests: readonly Request<Input, Answer>[]): Promise<void> {
    this.#runningBatches++;
    await this.#settle(requests);
    this.#runningBatches--;
    this.#startBatch();
  }

  async #settle(requests: readonly Request<Input, Answer>[]): Promise<void> {
    for (const { signal, reject } of requests) if (signal?.aborted) reject(signal.reason);
    const batch = requests.filter(({ signal }) => !signal?.aborted);
    if (batch.length === 0) return;
    try {
      const answers = await this.#run(batch.map(({ input }) => input));
      for (const [i, { resolve }] of batch.entries()) resolve(answers[i]!);
    } catch (error) {
      // Each input runs alone, so that one that fails does not fail others, perhaps of other calls.
      if (batch.length === 1) batch[0]!.reject(error);
      else for (const request of batch) await this.#settle([request]);
    }
  }
}
