import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadEngine, onWindowsExit } from '../binaries';
import { checkInstructionSetLimit } from './instruction-set';
import { createNativeError } from './native-errors';
import type { EngineNative, Native, TensorHandle } from './native';

let makeTensor: (native: Native, handle: TensorHandle) => object;
const addons = new Set<Native>();
let engine: EngineNative | undefined;

/**
 * Sets the function that wraps the tensors that an addon returns. The class `Tensor` registers itself,
 * because it imports this file: an import of it here would be circular.
 */
export function setTensorFactory(factory: typeof makeTensor): void {
  makeTensor = factory;
}

/** Prepares an addon that was loaded. */
export function initializeAddon<Addon extends Native>(addon: Addon): Addon {
  if (addons.has(addon)) return addon;
  addons.add(addon);
  addon.initialize(createNativeError, (handle) => makeTensor(addon, handle), packagePath());
  onWindowsExit(() => {
    addon.shutdown();
  });
  return addon;
}

/** The same for all copies of this code that load the same addons, through whatever links: `src` and `lib` do. */
function packagePath(): string {
  const root = resolve(__dirname, '..', '..');
  try {
    return realpathSync(root);
  } catch {
    // Node's permission model may deny it.
    return root;
  }
}

/** The addons that are loaded. */
export function loadedAddons(): Iterable<Native> {
  return addons;
}

/**
 * Returns the addon of compiled models and of tensors, which does not depend on LibTorch.
 *
 * @throws LibTorchError if it is missing or cannot be loaded
 * @throws OptionError if `SEMISUP_CPU` is invalid
 */
export function openEngine(): EngineNative {
  if (engine) return engine;
  checkInstructionSetLimit();
  return (engine = initializeAddon(loadEngine() as EngineNative));
}
