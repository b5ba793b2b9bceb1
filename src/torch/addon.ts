import { loadAddon, loadAddonSync } from '../libtorch';
import { failure } from './failures';
import type { Native } from './native';
import { Tensor } from './tensor';

let native: Native | undefined;

function adopt(addon: Native): Native {
  if (native === addon) return addon;
  native = addon;
  addon.setFactories(failure, (handle) => new Tensor(addon, handle));
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
