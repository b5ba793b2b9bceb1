import { Turnstile } from '../turnstile';

/** How a batcher gathers. */
export interface BatcherOptions {
  /** How many inputs run together at most. */
  readonly most: number;
  /** How many batches run at a time. */
  readonly atOnce: number;
  /** How long an input that is ready waits for others that are on their way, in milliseconds. */
  readonly wait: number;
}

interface Waiting<Input, Answer> {
  readonly input: Input;
  readonly signal: AbortSignal | undefined;
  readonly since: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs inputs together that come one by one, from whatever calls: those that are ready when the batch
 * before is done. One that comes alone runs at once.
 */
export class Batcher<Input, Answer> {
  readonly #options: BatcherOptions;
  readonly #run: (inputs: readonly Input[]) => Promise<readonly Answer[]>;
  /** One batch runs while the next one is prepared: so much is in memory at a time. */
  readonly #underWay: Turnstile;
  readonly #ready: Waiting<Input, Answer>[] = [];
  #preparing = 0;
  #running = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param run gives an answer for each input, in their order */
  constructor(
    options: BatcherOptions,
    run: (inputs: readonly Input[]) => Promise<readonly Answer[]>,
  ) {
    this.#options = options;
    this.#run = run;
    this.#underWay = new Turnstile(options.most * (options.atOnce + 1));
  }

  /**
   * The answer for an input that `prepare` makes. Rejects as `prepare` or the run of its batch does, or
   * with the signal's reason if its batch has not begun by then.
   */
  async add(prepare: () => Promise<Input>, signal?: AbortSignal): Promise<Answer> {
    return await this.#underWay.pass(async () => {
      this.#preparing++;
      let input: Input;
      try {
        input = await prepare();
      } catch (error) {
        this.#preparing--;
        // What waits for this one need not wait any longer.
        this.#consider();
        throw error;
      }
      this.#preparing--;
      return await new Promise<Answer>((resolve, reject) => {
        this.#ready.push({ input, signal, since: performance.now(), resolve, reject });
        this.#consider();
      });
    }, signal);
  }

  #consider(): void {
    const { most, atOnce, wait } = this.#options;
    const [oldest] = this.#ready;
    if (!oldest || this.#running >= atOnce) return;
    const left = oldest.since + wait - performance.now();
    if (this.#ready.length < most && this.#preparing > 0 && left > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#consider();
      }, left);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.#start(this.#ready.splice(0, most));
  }

  async #start(waiting: readonly Waiting<Input, Answer>[]): Promise<void> {
    this.#running++;
    await this.#settle(waiting);
    this.#running--;
    this.#consider();
  }

  async #settle(waiting: readonly Waiting<Input, Answer>[]): Promise<void> {
    for (const { signal, reject } of waiting) if (signal?.aborted) reject(signal.reason);
    const batch = waiting.filter(({ signal }) => !signal?.aborted);
    if (batch.length === 0) return;
    try {
      const answers = await this.#run(batch.map(({ input }) => input));
      for (const [i, { resolve }] of batch.entries()) resolve(answers[i]!);
    } catch (error) {
      // One input may not spoil the answers of others, which may be of other calls.
      if (batch.length === 1) batch[0]!.reject(error);
      else for (const one of batch) await this.#settle([one]);
    }
  }
}
