import { onAbort } from '../abort';

/** Settles as `work` does, but rejects with the reason of `signal` if it is aborted first. */
export async function rejectOnAbort<T>(
  signal: AbortSignal | undefined,
  work: Promise<T>,
  cancel?: () => void,
): Promise<T> {
  if (!signal) return await work;
  let abort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      // `cancel` may make `work` reject. The first rejection wins the race, so reject before the call.
      reject(signal.reason as Error);
      cancel?.();
    };
  });
  // If `work` loses the race, nothing else handles its rejection.
  work.catch(() => undefined);
  let remove: (() => void) | undefined;
  if (signal.aborted) abort();
  else remove = onAbort(signal, abort);
  try {
    return await Promise.race([aborted, work]);
  } finally {
    remove?.();
  }
}
