import type { TeachProgress } from './teach-options';

/** Counts what is done in a phase, and reports it. */
export class ProgressMeter {
  readonly #phase: TeachProgress['phase'];
  readonly #total: number | undefined;
  readonly #onProgress: ((progress: TeachProgress) => void) | undefined;
  readonly #startTime = performance.now();
  #done = 0;

  constructor(
    phase: TeachProgress['phase'],
    total: number | undefined,
    onProgress: ((progress: TeachProgress) => void) | undefined,
  ) {
    this.#phase = phase;
    this.#total = total;
    this.#onProgress = onProgress;
  }

  add(count: number): void {
    this.#done += count;
    const rate = this.#done / this.seconds;
    this.#onProgress?.({ phase: this.#phase, done: this.#done, total: this.#total, rate });
  }

  /** Since it was created. */
  get seconds(): number {
    return (performance.now() - this.#startTime) / 1000;
  }
}
