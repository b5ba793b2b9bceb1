import type { FinetuneProgress } from './finetune-options';

/** Counts the images of a phase of an epoch, and reports them. */
export class EpochMeter {
  readonly #phase: 'train' | 'validate';
  readonly #place: Pick<FinetuneProgress, 'epoch' | 'epochs'>;
  readonly #total: number;
  readonly #onProgress: ((progress: FinetuneProgress) => void) | undefined;
  readonly #startTime = performance.now();
  #done = 0;
  #loss = 0;
  #correct = 0;

  constructor(
    phase: 'train' | 'validate',
    place: Pick<FinetuneProgress, 'epoch' | 'epochs'>,
    total: number,
    onProgress: ((progress: FinetuneProgress) => void) | undefined,
  ) {
    this.#phase = phase;
    this.#place = place;
    this.#total = total;
    this.#onProgress = onProgress;
  }

  /** The mean loss so far. */
  get loss(): number {
    return this.#loss / this.#done;
  }

  /** The share of right answers so far. */
  get accuracy(): number {
    return this.#correct / this.#done;
  }

  /** Adds a batch. @param loss its mean */
  add(count: number, loss: number, correct: number): void {
    this.#done += count;
    this.#loss += loss * count;
    this.#correct += correct;
    this.#report({ loss: this.loss, accuracy: this.accuracy });
  }

  set(done: number): void {
    this.#done = done;
    this.#report({});
  }

  #report(more: Pick<FinetuneProgress, 'loss' | 'accuracy'>): void {
    const rate = (1000 * this.#done) / (performance.now() - this.#startTime);
    const counts = { done: this.#done, total: this.#total, rate };
    this.#onProgress?.({ phase: this.#phase, ...this.#place, ...counts, ...more });
  }
}
