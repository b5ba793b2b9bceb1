import { memory, type MemoryUsage } from '../native';

/** The progress of a swap, or the unloading and reloading of an idle model. */
export interface SwapEvent {
  /** The new version; for `drained`, the previous one; for `unloaded` and `reloaded`, the active one. */
  readonly version: number;
  /** The name of the version's source. */
  readonly source: string;
  /** Milliseconds since the swap, the unloading or the reloading started. */
  readonly elapsed: number;
  readonly memory: {
    /** The resident set size of the process, in bytes. */
    readonly rss: number;
    readonly modules: MemoryUsage;
    readonly tensors: MemoryUsage;
  };
}

/** The failure of a swap. */
export interface SwapFailure extends SwapEvent {
  /** The error that `swap` rejects with. */
  readonly error: unknown;
}

/** The events of a slot. */
export interface SlotEvents {
  /** The new model starts to load. */
  loading: [SwapEvent];
  /** The new model is loaded, and starts to warm up. */
  warming: [SwapEvent];
  /** The new model is active: it runs all subsequent calls. */
  swap: [SwapEvent];
  /** The previous model has completed its last call, and its memory is freed. */
  drained: [SwapEvent];
  /** The active model was freed after `idleTimeout` without a call. */
  unloaded: [SwapEvent];
  /** The active model is loaded again. */
  reloaded: [SwapEvent];
  /** The swap failed; the previous model stays active. */
  failed: [SwapFailure];
}

/** Creates an event. @param startTime the start of the swap, from `performance.now()` */
export function createEvent(version: number, source: string, startTime: number): SwapEvent {
  const elapsed = performance.now() - startTime;
  return { version, source, elapsed, memory: { rss: process.memoryUsage.rss(), ...memory() } };
}
