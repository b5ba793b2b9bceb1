import { checkExecutorOptions, Executor, type ExecutorOptions, type Priority } from '../native';
import { openNative, openNativeSync } from './addon';
import type { TorchNative } from './native';

/** Threads on which LibTorch runs. */
export type TorchExecutor = Executor<TorchNative>;

let shared: TorchExecutor | undefined;

/** Starts the threads. @throws OptionError if a number is out of range */
export async function openExecutor(
  options: ExecutorOptions = {},
  priority?: Priority,
): Promise<TorchExecutor> {
  checkExecutorOptions(options);
  return Executor.start(await openNative(), options, priority);
}

/** Like `openExecutor`, but blocks while LibTorch is loaded. */
export function openExecutorSync(options: ExecutorOptions = {}): TorchExecutor {
  checkExecutorOptions(options);
  return Executor.start(openNativeSync(), options);
}

/** Returns the executor for short work that belongs to no model. */
export async function sharedExecutor(): Promise<TorchExecutor> {
  await openNative();
  return sharedExecutorSync();
}

/** Like `sharedExecutor`, but blocks while LibTorch is loaded. */
export function sharedExecutorSync(): TorchExecutor {
  return (shared ??= openExecutorSync({ threads: 1 }));
}
