import { basename } from 'node:path';
import { SingleBar } from 'cli-progress';
import { megabytes } from './terminal';

/** The progress of one phase of a task, in bytes unless `amount` has another unit. */
export interface Progress {
  readonly phase: string;
  readonly file: string;
  readonly received: number;
  readonly total?: number;
  /** The total with its unit. */
  readonly amount?: string;
}

/** The abort reason of a task that was interrupted by a signal. */
export class Interruption extends Error {
  constructor(readonly signal: NodeJS.Signals) {
    super(`Interrupted by ${signal}.`);
  }
}

/** What shows the progress of a task. */
export interface ProgressDisplay<P> {
  show(progress: P): void;
  hide(): void;
}

/** Runs `task` with a progress bar for bytes, as `withDisplay` does. */
export async function withProgress<T>(
  task: (onProgress: (progress: Progress) => void, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return await withDisplay(new ProgressBar(), task);
}

/**
 * Runs `task` with a display of its progress. SIGINT and SIGTERM hide it and abort the task, so that it can clean up; a
 * second one terminates the process.
 *
 * @throws Interruption after a signal
 */
export async function withDisplay<T, P>(
  bar: ProgressDisplay<P>,
  task: (onProgress: (progress: P) => void, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const interrupt = (signal: NodeJS.Signals) => {
    bar.hide();
    controller.abort(new Interruption(signal));
  };
  const hideBar = () => {
    bar.hide();
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  process.prependListener('warning', hideBar);
  try {
    const result = await task((progress) => {
      if (!controller.signal.aborted) bar.show(progress);
    }, controller.signal);
    controller.signal.throwIfAborted();
    return result;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt).off('warning', hideBar);
    bar.hide();
  }
}

/** Shows one progress bar per phase and file, on standard error if that is a terminal. */
class ProgressBar implements ProgressDisplay<Progress> {
  #bar: SingleBar | undefined;
  #label: string | undefined;

  show({ phase, file, received, total, amount }: Progress): void {
    if (!process.stderr.isTTY || !total) return;
    const label = `${phase} ${basename(file)}`;
    if (this.#label !== label) {
      this.hide();
      this.#label = label;
      this.#bar = new SingleBar({
        format: `${label} {bar} {percentage}% of ${amount ?? megabytes(total)}`,
        barsize: 30,
        clearOnComplete: true,
        stream: process.stderr,
        hideCursor: true,
      });
      this.#bar.start(total, 0);
    }
    this.#bar!.update(received);
  }

  hide(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#label = undefined;
  }
}
