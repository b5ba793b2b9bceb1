export { cudaBackend, dlopen, findBinaries, loadEngine, unpackedPath, type Binaries } from './find';
export type { Loader, NativeGpuDriver, ProcessDirectory } from './loader';
export { majorMinor } from './major-minor';
export { checkCLibrary, glibcVersion } from './system';
export { oldSystemLibrary } from './system-library';
export { onWindowsExit } from './windows-exit';
