import { loadAddon, loadAddonSync } from '../libtorch';
import { failure } from './failures';
import type { Native, TensorHandle } from './native';

let makeTensor: (native: Native, handle: TensorHandle) => object;
let native: Native | undefined;

/**
 * Registers the constructor of the tensors that the addon returns. The class registers itself, because
 * it needs the addon: an import of it here would be circular.
 */
export function setTensorFactory(factory: typeof makeTensor): void {
  makeTensor = factory;
}

function adopt(addon: Native): Native {
  if (native === addon) return addon;
  native = addon;
  addon.setFactories(failure, (handle) => makeTensor(addon, handle));
  // LibTorch's own exit handlers would pull the ground from under a model that runs.
  process.once('exit', () => {
    addon.shutdown();
  });
  return addon;
}

/**
 * The binding; the first call opens LibTorch, off the JS thread.
 *
 * @throws LibTorchError if LibTorch or the addon is missing, of another version, or cannot be opened.
 */
export async function openNative(): Promise<Native> {
  return native ?? adopt((await loadAddon()) as Native);
}

/** The binding, if it is open. */
export function openedNative(): Native | undefined {
  return native;
}

/** As `openNative`, but the first call blocks while LibTorch is opened. */
export function openNativeSync(): Native {
  return native ?? adopt(loadAddonSync() as Native);
}
