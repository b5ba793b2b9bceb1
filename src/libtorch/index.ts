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
export { cudaBackend, findBinaries, loadEngine, unpackedPath } from './binaries';
export { libtorch } from './libtorch';
export { findUsedLibTorch, findUsedLibTorchSync, loadAddon, loadAddonSync } from './load';
export { downloadSize, pinnedVersion, variants, wheelsOf, type Variant } from './pins';
export { installDirectory, userCache } from './cache-directory';
export { checkCLibrary, glibcVersion } from './system';
export type { Wheel } from './wheels';
