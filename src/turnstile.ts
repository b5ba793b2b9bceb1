/** Lets a bounded number of pieces of work run at a time; the others wait, first come first served. */
export class Turnstile {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param capacity how many run at a time */
  constructor(capacity: number) {
    this.#free = capacity;
  }

  /** Runs `work` when its turn has come. One that is aborted before then gives its place up. */
  async pass<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      signal?.throwIfAborted();
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
