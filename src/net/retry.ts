import type { DownloadError } from '../errors';
import { pause } from './pause';

/** How long a download holds out. */
export interface Patience {
  /** Failures in a row, without progress between them, after which it gives up. */
  readonly attempts: number;
  /** Milliseconds before the second try; doubled for each further one, with jitter. */
  readonly delay: number;
  /** Milliseconds without an answer or without a byte after which a connection counts as dead. */
  readonly idle: number;
}

/** About 8 s of waiting in all, and a minute for a connection that has gone silent. */
export const defaultPatience: Patience = { attempts: 5, delay: 500, idle: 60_000 };

// A host that has never answered most likely never will (no network, a firewall): the next place
// should have its turn soon.
const ATTEMPTS_UNANSWERED = 2;
const LONGEST_DELAY = 30_000;

/** A failure that another try may mend. */
export class Transient extends Error {
  /** What is thrown if no other try is left. */
  readonly error: DownloadError;
  /** Whether the host answered. */
  readonly answered: boolean;
  /** Whether much came before the failure, so that it does not count against the attempts. */
  readonly progressed: boolean;
  /** Milliseconds that the host asked to wait. */
  readonly wait: number;

  constructor(
    error: DownloadError,
    how: { answered?: boolean; progressed?: boolean; wait?: number } = {},
  ) {
    super(error.message);
    this.error = error;
    this.answered = how.answered ?? false;
    this.progressed = how.progressed ?? false;
    this.wait = how.wait ?? 0;
  }
}

/**
 * Runs `attempt` until it succeeds, throws something other than `Transient`, or has failed too often;
 * then its last error is thrown. Rejects with `signal.reason` once aborted.
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  patience: Patience,
  signal?: AbortSignal,
): Promise<T> {
  let failures = 0;
  let answered = false;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (failure) {
      signal?.throwIfAborted();
      if (!(failure instanceof Transient)) throw failure;
      answered ||= failure.answered;
      failures = failure.progressed ? 1 : failures + 1;
      const limit = answered ? patience.attempts : Math.min(patience.attempts, ATTEMPTS_UNANSWERED);
      if (failures >= limit) throw failure.error;
      const wait = Math.max(failure.wait, backoff(patience.delay, failures));
      await pause(Math.min(wait, LONGEST_DELAY), signal);
    }
  }
}

function backoff(delay: number, failures: number): number {
  return delay * 2 ** (failures - 1) * (0.5 + Math.random() / 2);
}
