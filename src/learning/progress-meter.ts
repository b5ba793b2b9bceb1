/** How much of a phase is done. */
export interface Counts {
  readonly done: number;
  /** If it is known. */
  readonly total: number | undefined;
  /** What is done in a second. */
  readonly rate: number;
}

/** Counts what is done in a phase, and reports it. */
export class ProgressMeter {
  readonly #total: number | undefined;
  readonly #report: ((counts: Counts) => void) | undefined;
  readonly #startTime = performance.now();
  #done = 0;

  constructor(total: number | undefined, report: ((counts: Counts) => void) | undefined) {
    this.#total = total;
    this.#report = report;
  }

  add(count: number): void {
    this.#done += count;
    this.#report?.({ done: this.#done, total: this.#total, rate: this.#done / this.seconds });
  }

  /** Since it was created. */
  get seconds(): number {
    return (performance.now() - this.#startTime) / 1000;
  }
}
