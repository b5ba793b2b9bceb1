import { basename } from 'node:path';
import { SingleBar } from 'cli-progress';
import { megabytes } from './terminal';

/** How far a piece of work has come, in bytes. */
export interface Step {
  readonly phase: string;
  readonly file: string;
  readonly received: number;
  readonly total?: number;
}

/** Why work was given up: the process was asked to end, by Ctrl-C for one. */
export class Interruption extends Error {
  constructor(readonly signal: NodeJS.Signals) {
    super(`Ended by ${signal}.`);
  }
}

/**
 * Runs `work` with a bar on standard error, where that is a terminal. Ctrl-C takes the bar off the
 * screen and aborts the work, so that it can clean up; a second one ends the process at once.
 *
 * @throws Interruption after Ctrl-C
 */
export async function withProgress<T>(
  work: (onProgress: (step: Step) => void, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const bar = new Bar();
  const aborter = new AbortController();
  const interrupt = (signal: NodeJS.Signals) => {
    bar.hide();
    aborter.abort(new Interruption(signal));
  };
  const makeRoom = () => {
    bar.hide();
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  process.prependListener('warning', makeRoom);
  try {
    const result = await work((step) => {
      if (!aborter.signal.aborted) bar.show(step);
    }, aborter.signal);
    aborter.signal.throwIfAborted();
    return result;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt).off('warning', makeRoom);
    bar.hide();
  }
}

/** A bar per phase and file. */
class Bar {
  #bar: SingleBar | undefined;
  #label: string | undefined;

  show({ phase, file, received, total }: Step): void {
    if (!process.stderr.isTTY || !total) return;
    const label = `${phase} ${basename(file)}`;
    if (this.#label !== label) {
      this.hide();
      this.#label = label;
      this.#bar = new SingleBar({
        format: `${label} {bar} {percentage}% of ${megabytes(total)}`,
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
