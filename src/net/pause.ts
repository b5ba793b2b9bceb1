import { setTimeout as sleep } from 'node:timers/promises';

/** Waits `ms` milliseconds. Rejects with `signal.reason` once aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    signal!.throwIfAborted();
  }
}
