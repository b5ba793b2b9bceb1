/** Settles as `work` does, but rejects with the reason of `signal` if it is aborted first. */
export async function rejectOnAbort<T>(
  signal: AbortSignal | undefined,
  work: Promise<T>,
  onAbort?: () => void,
): Promise<T> {
  if (!signal) return await work;
  let abort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      // `onAbort` may make `work` reject. The first rejection wins the race, so reject before the call.
      reject(signal.reason as Error);
      onAbort?.();
    };
  });
  // If `work` loses the race, nothing else handles its rejection.
  work.catch(() => undefined);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
