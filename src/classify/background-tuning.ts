import { setTimeout as sleep } from 'node:timers/promises';
import { SemisupError } from '../errors';
import { describeThrown } from '../options';

/** How long the first calls have the machine to themselves, in milliseconds. */
const delay = 1000;

/** Opens the tuned version of a model while the model runs. */
export class BackgroundTuning<Tuned extends { close(): Promise<void> }> {
  /** Resolves when it has succeeded, failed or stopped. */
  readonly ended: Promise<void>;
  readonly #stop = new AbortController();
  #isRunning = true;

  /**
   * @param name that of the model, for the warning if it fails
   * @param open opens the tuned version, unless the signal is aborted
   * @param onTuned receives it
   */
  constructor(
    name: string,
    open: (signal: AbortSignal) => Promise<Tuned>,
    onTuned: (tuned: Tuned) => void,
  ) {
    this.ended = this.#run(name, open, onTuned);
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Resolves when nothing of it is left, except for a step of native code that is running. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  async #run(
    name: string,
    open: (signal: AbortSignal) => Promise<Tuned>,
    onTuned: (tuned: Tuned) => void,
  ): Promise<void> {
    const { signal } = this.#stop;
    let tuned: Tuned;
    try {
      await sleep(delay, undefined, { signal });
      tuned = await open(signal);
      if (signal.aborted) await tuned.close();
    } catch (error) {
      if (!signal.aborted) warn(name, error);
      return;
    } finally {
      this.#isRunning = false;
    }
    if (!signal.aborted) onTuned(tuned);
  }
}

function warn(name: string, error: unknown): void {
  const reason = error instanceof SemisupError ? error.message : describeThrown(error);
  process.emitWarning(
    `The plan of ${name} stays untuned, which computes the same, but slower: ${reason}`,
    { code: 'SEMISUP_TUNING' },
  );
}
