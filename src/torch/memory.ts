import { openedNative } from './addon';

/** How many there are of one kind of native object, and the bytes of their tensors. */
export interface MemoryUse {
  readonly count: number;
  readonly bytes: number;
}

/**
 * What this thread's JavaScript holds of LibTorch at present: zero once all is closed and disposed of.
 */
export function memory(): { modules: MemoryUse; tensors: MemoryUse } {
  const { ScriptModule, Tensor } = openedNative()?.memory() ?? {};
  const none = { count: 0, bytes: 0 };
  return { modules: ScriptModule ?? none, tensors: Tensor ?? none };
}
