import { SingleBar } from 'cli-progress';
import type { ProgressDisplay } from './progress';

/** The progress of a task that processes images. */
export interface ImageProgress {
  readonly done: number;
  /** The number of images, if it is known. */
  readonly total?: number;
  /** Images per second. */
  readonly rate: number;
  /** What is counted in place of images. */
  readonly unit?: string;
  /** What else is shown, such as an accuracy. */
  readonly text?: string;
}

/** How often the line without a bar is written, in milliseconds. */
const interval = 250;

/** Shows how many images are done, the rate and the remaining time, on standard error if that is a terminal. */
export class ImageBar implements ProgressDisplay<ImageProgress> {
  #bar: SingleBar | undefined;
  #written = -Infinity;

  show(progress: ImageProgress): void {
    if (!process.stderr.isTTY) return;
    if (progress.total === undefined) {
      this.#showLine(progress);
      return;
    }
    const { done, total, rate, text = '' } = progress;
    // Of another phase.
    if (total !== this.#bar?.getTotal()) this.hide();
    const payload = { text, rate: rate.toFixed(1), left: duration((total - done) / rate) };
    if (!this.#bar) {
      this.#bar = new SingleBar({
        format: '{bar} {value}/{total}  {rate} images/s  {left} left  {text}',
        barsize: 30,
        clearOnComplete: true,
        stream: process.stderr,
        hideCursor: true,
      });
      this.#bar.start(total, done, payload);
    }
    this.#bar.update(done, payload);
  }

  hide(): void {
    this.#bar?.stop();
    if (this.#written > 0) process.stderr.write('\r\u001b[K');
    this.#bar = undefined;
    this.#written = -Infinity;
  }

  #showLine({ done, rate, unit = 'images', text = '' }: ImageProgress): void {
    if (performance.now() - this.#written < interval) return;
    this.#written = performance.now();
    process.stderr.write(`\r${done} ${unit}  ${rate.toFixed(1)} ${unit}/s  ${text}\u001b[K`);
  }
}

function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.ceil(seconds)} s`;
}
