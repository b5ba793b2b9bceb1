import type { DownloadError } from '../errors';
import { sleep } from './sleep';

/** When a download is retried, and when it fails. */
export interface RetryPolicy {
  /** Maximum consecutive attempts without progress. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubled for each later one, with jitter. */
  readonly delay: number;
  /** How long a request may receive no byte before it fails, in milliseconds. */
  readonly idleTimeout: number;
}

/** About 8 s of delays in total, and a timeout of one minute for an idle connection. */
export const defaultRetryPolicy: RetryPolicy = { attempts: 5, delay: 500, idleTimeout: 60_000 };

// A server that has never responded is most likely unreachable (no network, a firewall). Fail early, so
// that the caller tries the next source.
const MAX_ATTEMPTS_WITHOUT_RESPONSE = 2;
const MAX_DELAY = 30_000;

/** A transient failure: another attempt may succeed. */
export class RetryableError extends Error {
  /** The error to throw if no attempts are left. */
  readonly error: DownloadError;
  /** Whether the server responded. */
  readonly responded: boolean;
  /** Whether the attempt made enough progress to reset the count of failures. */
  readonly progressed: boolean;
  /** Minimum milliseconds before the next attempt, as requested by the server. */
  readonly delay: number;

  constructor(
    error: DownloadError,
    details: { responded?: boolean; progressed?: boolean; delay?: number } = {},
  ) {
    super(error.message);
    this.error = error;
    this.responded = details.responded ?? false;
    this.progressed = details.progressed ?? false;
    this.delay = details.delay ?? 0;
  }
}

/**
 * Runs `attempt` until it succeeds, throws something other than `RetryableError`, or the attempts are
 * exhausted; then throws the last error. Rejects with `signal.reason` once aborted.
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  policy: RetryPolicy,
  signal?: AbortSignal,
): Promise<T> {
  let failures = 0;
  let responded = false;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (failure) {
      signal?.throwIfAborted();
      if (!(failure instanceof RetryableError)) throw failure;
      responded ||= failure.responded;
      failures = failure.progressed ? 1 : failures + 1;
      const limit = responded
        ? policy.attempts
        : Math.min(policy.attempts, MAX_ATTEMPTS_WITHOUT_RESPONSE);
      if (failures >= limit) throw failure.error;
      const delay = Math.max(failure.delay, backoff(policy.delay, failures));
      await sleep(Math.min(delay, MAX_DELAY), signal);
    }
  }
}

function backoff(delay: number, failures: number): number {
  return delay * 2 ** (failures - 1) * (0.5 + Math.random() / 2);
}
