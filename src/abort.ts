interface Callbacks {
  readonly pending: Set<() => void>;
  readonly listener: () => void;
}

/**
 * The callbacks of each signal. An `EventTarget` searches its list for duplicates whenever a listener is added, so
 * that n calls with one signal would take O(n²), and it warns of a leak from the eleventh on. Therefore a
 * signal has one listener, which runs all callbacks.
 */
const callbacksOf = new WeakMap<AbortSignal, Callbacks>();

/**
 * Runs `callback` once when the signal is aborted, which it must not be yet. Any number of callbacks cost the
 * signal a single listener, which is removed with the last callback.
 *
 * @param callback must not throw
 * @returns a function that removes the callback; idempotent
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  // A function of its own, because the same callback may be added twice.
  const run = () => {
    callback();
  };
  const { pending, listener } = callbacksOf.get(signal) ?? listenTo(signal);
  pending.add(run);
  return () => {
    if (!pending.delete(run) || pending.size > 0) return;
    signal.removeEventListener('abort', listener);
    callbacksOf.delete(signal);
  };
}

function listenTo(signal: AbortSignal): Callbacks {
  const pending = new Set<() => void>();
  const listener = () => {
    callbacksOf.delete(signal);
    // Not iterated in place: a callback may remove others.
    for (const run of [...pending]) if (pending.delete(run)) run();
  };
  const callbacks = { pending, listener };
  callbacksOf.set(signal, callbacks);
  signal.addEventListener('abort', listener, { once: true });
  return callbacks;
}
