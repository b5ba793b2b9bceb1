/** Settles as `work` does, unless `signal` is aborted before: then it rejects with its reason. */
export async function whenAborted<T>(
  signal: AbortSignal | undefined,
  work: Promise<T>,
  onAbort?: () => void,
): Promise<T> {
  if (!signal) return await work;
  let abort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      // First, because what `onAbort` ends may reject too, and the earlier rejection is the one told.
      reject(signal.reason as Error);
      onAbort?.();
    };
  });
  // Whichever loses the race may still reject, with nobody waiting for it.
  work.catch(() => undefined);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
