import { loadAddon, loadAddonSync, onWindowsExit } from '../libtorch';
import { checkInstructionSetLimit } from './instruction-set';
import { createNativeError } from './native-errors';
import type { Native, TensorHandle } from './native';

let makeTensor: (native: Native, handle: TensorHandle) => object;
let native: Native | undefined;

/**
 * Sets the function that wraps the tensors that the addon returns. The class `Tensor` registers itself,
 * because it imports this file: an import of it here would be circular.
 */
export function setTensorFactory(factory: typeof makeTensor): void {
  makeTensor = factory;
}

function initialize(addon: Native): Native {
  if (native === addon) return addon;
  native = addon;
  addon.setFactories(createNativeError, (handle) => makeTensor(addon, handle));
  onWindowsExit(() => {
    addon.shutdown();
  });
  return addon;
}

/**
 * Returns the addon. The first call loads LibTorch, off the JS thread.
 *
 * @throws LibTorchError if LibTorch or the addon is missing, has another version, or cannot be loaded
 * @throws OptionError if `SEMISUP_CPU` is invalid
 */
export async function openNative(): Promise<Native> {
  if (native) return native;
  checkInstructionSetLimit();
  return initialize((await loadAddon()) as Native);
}

/** Returns the addon if it is loaded. */
export function nativeIfLoaded(): Native | undefined {
  return native;
}

/** Like `openNative`, but the first call blocks while LibTorch is loaded. */
export function openNativeSync(): Native {
  if (native) return native;
  checkInstructionSetLimit();
  return initialize(loadAddonSync() as Native);
}
