import { setTimeout } from 'node:timers/promises';

/** Waits `ms` milliseconds. Rejects with `signal.reason` once aborted. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal });
  } catch {
    signal!.throwIfAborted();
  }
}
