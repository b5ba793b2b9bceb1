import { memory, type MemoryUse } from '../torch';

/** How far a swap has come. */
export interface SwapEvent {
  /** The version that it is about: the new one, and of `drained` the old one. */
  readonly version: number;
  /** The name of that version's source. */
  readonly source: string;
  /** Milliseconds since the swap began. */
  readonly elapsed: number;
  readonly memory: {
    /** Resident memory of the process, in bytes. */
    readonly rss: number;
    readonly modules: MemoryUse;
    readonly tensors: MemoryUse;
  };
}

/** Why a swap has failed. */
export interface SwapFailure extends SwapEvent {
  /** What `swap` rejects with. */
  readonly error: unknown;
}

/** The events of a slot. */
export interface SlotEvents {
  /** The new model begins to load. */
  loading: [SwapEvent];
  /** It is loaded, and runs for the first time. */
  warming: [SwapEvent];
  /** It serves: the next request goes to it. */
  swap: [SwapEvent];
  /** The old one has answered its last request, and its memory is free. */
  drained: [SwapEvent];
  /** The swap has failed; the old model serves on. */
  failed: [SwapFailure];
}

/** An event of now. @param began when the swap began, by `performance.now()` */
export function toEvent(version: number, source: string, began: number): SwapEvent {
  const elapsed = performance.now() - began;
  return { version, source, elapsed, memory: { rss: process.memoryUsage.rss(), ...memory() } };
}
