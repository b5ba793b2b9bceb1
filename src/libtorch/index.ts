export {
  findLibTorch,
  findLibTorchSync,
  type FindOptions,
  type LibTorch,
  type Place,
} from './find';
export type { LibTorchFolder } from './folder';
export { nvJpegLibraries } from './libraries';
export { installLibTorch, type InstallOptions, type InstallProgress } from './install';
export { askGpuDriver, askGpuDriverSync, type Gpu, type GpuDriver } from './gpu-driver';
export { gpuProblem, type GpuProblem } from './gpu-problem';
export {
  cudaPart,
  findUsedLibTorch,
  findUsedLibTorchSync,
  loadAddon,
  loadAddonSync,
  type LoadOptions,
} from './load';
export { pinnedVersion, variants, wheelsOf, type Variant } from './pins';
export { installFolder, userCache } from './places';
export type { Wheel } from './wheels';
