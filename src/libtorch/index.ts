export {
  findLibTorch,
  findLibTorchSync,
  type FindOptions,
  type LibTorch,
  type RejectedLocation,
} from './find';
export type { LibTorchDirectory } from './directory';
export { nvJpegLibraries } from './libraries';
export type { InstallOptions, InstallProgress } from './install';
export { queryGpuDriver, queryGpuDriverSync, type Gpu, type GpuDriver } from './gpu-driver';
export { gpuProblem, type GpuProblem } from './gpu-problem';
export { libtorch } from './libtorch';
export { findUsedLibTorch, findUsedLibTorchSync, loadAddon, loadAddonSync } from './load';
export { downloadSize, pinnedVersion, variants, wheelsOf, type Variant } from './pins';
export { installDirectory, userCache } from './cache-directory';
export type { Wheel } from './wheels';
