import { nativeIfLoaded } from './addon';

/** The number of native objects of one kind, and the bytes of their tensors. */
export interface MemoryUsage {
  readonly count: number;
  readonly bytes: number;
}

/** The native objects that the JavaScript of one thread keeps alive. */
export interface Memory {
  readonly modules: MemoryUsage;
  readonly tensors: MemoryUsage;
  /**
   * The workspaces of plans: the memory of their activations, including memory that is cached for the
   * next forward. The cache is freed after five seconds without work.
   */
  readonly arenas: MemoryUsage;
}

/** Returns the memory usage of this thread: zero once all models are closed and tensors disposed. */
export function memory(): Memory {
  const { ScriptModule, Tensor, Arena } = nativeIfLoaded()?.memory() ?? {};
  const none = { count: 0, bytes: 0 };
  return { modules: ScriptModule ?? none, tensors: Tensor ?? none, arenas: Arena ?? none };
}
