export {
  findLibTorch,
  findLibTorchSync,
  type FindOptions,
  type LibTorch,
  type RejectedLocation,
} from './find';
export type { LibTorchDirectory } from './directory';
export { nvJpegLibraries } from './libraries';
export { onWindowsExit } from './windows-exit';
export { installLibTorch, type InstallOptions, type InstallProgress } from './install';
export { queryGpuDriver, queryGpuDriverSync, type Gpu, type GpuDriver } from './gpu-driver';
export { gpuProblem, type GpuProblem } from './gpu-problem';
export {
  cudaBackend,
  findUsedLibTorch,
  findUsedLibTorchSync,
  loadAddon,
  loadAddonSync,
  type LoadOptions,
} from './load';
export { pinnedVersion, variants, wheelsOf, type Variant } from './pins';
export { installDirectory, userCache } from './cache-directory';
export type { Wheel } from './wheels';
