import { loadedAddons } from './addon';
import type { UsageKind } from './native';

/** The number of native objects of one kind, and the bytes of their tensors. */
export interface MemoryUsage {
  readonly count: number;
  readonly bytes: number;
}

/** The native objects that the JavaScript of one thread keeps alive. */
export interface Memory {
  /** TorchScript modules. */
  readonly modules: MemoryUsage;
  /** Compiled models: the bytes of those that were opened from bytes. */
  readonly compiledModels: MemoryUsage;
  /**
   * The files of the compiled models and image indexes that were opened from a path. They are mapped into memory, which processes
   * share, and which the system can take back.
   */
  readonly mappedFiles: MemoryUsage;
  readonly tensors: MemoryUsage;
  /** Image indexes: the bytes of the vectors that are not in a mapped file. */
  readonly indexes: MemoryUsage;
  /**
   * The workspaces of plans: the memory of their activations, including memory that is cached for the
   * next forward. The cache is freed after five seconds without work.
   */
  readonly arenas: MemoryUsage;
}

/** Returns the memory usage of this thread: zero once all models are closed and tensors disposed. */
export function memory(): Memory {
  return {
    modules: usageOf('ScriptModule'),
    compiledModels: usageOf('CompiledModel'),
    mappedFiles: usageOf('MappedFile'),
    tensors: usageOf('Tensor'),
    indexes: usageOf('VectorStore'),
    arenas: usageOf('Arena'),
  };
}

/** The sum of all addons. */
function usageOf(kind: UsageKind): MemoryUsage {
  let [count, bytes] = [0, 0];
  for (const addon of loadedAddons()) {
    const usage = addon.memory()[kind];
    count += usage?.count ?? 0;
    bytes += usage?.bytes ?? 0;
  }
  return { count, bytes };
}
