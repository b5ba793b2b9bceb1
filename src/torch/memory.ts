import { openedNative } from './addon';

/** How many there are of one kind of native object, and the bytes of their tensors. */
export interface MemoryUse {
  readonly count: number;
  readonly bytes: number;
}

/** What a thread's JavaScript holds of LibTorch. */
export interface Memory {
  readonly modules: MemoryUse;
  readonly tensors: MemoryUse;
  /**
   * The working memory of plans: what their activations take, and what is kept of it for the next
   * forward. After five seconds without work it is given back.
   */
  readonly arenas: MemoryUse;
}

/**
 * What this thread's JavaScript holds of LibTorch at present: zero once all is closed and disposed of.
 */
export function memory(): Memory {
  const { ScriptModule, Tensor, Arena } = openedNative()?.memory() ?? {};
  const none = { count: 0, bytes: 0 };
  return { modules: ScriptModule ?? none, tensors: Tensor ?? none, arenas: Arena ?? none };
}
