import { loadAddon, loadAddonSync } from '../libtorch';
import { checkInstructionSetLimit, initializeAddon } from '../native';
import type { TorchNative } from './native';

let native: TorchNative | undefined;

/**
 * Returns LibTorch's addon. The first call loads LibTorch, off the JS thread.
 *
 * @throws LibTorchError if LibTorch or the addon is missing, has another version, or cannot be loaded
 * @throws OptionError if `SEMISUP_CPU` is invalid
 */
export async function openNative(): Promise<TorchNative> {
  if (native) return native;
  checkInstructionSetLimit();
  return (native = initializeAddon((await loadAddon()) as TorchNative));
}

/** Like `openNative`, but the first call blocks while LibTorch is loaded. */
export function openNativeSync(): TorchNative {
  if (native) return native;
  checkInstructionSetLimit();
  return (native = initializeAddon(loadAddonSync() as TorchNative));
}
