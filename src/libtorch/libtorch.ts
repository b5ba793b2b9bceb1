import { LibTorchError } from '../errors';
import type { LibTorchDirectory } from './directory';
import { isConfigured, type LibTorch } from './find';
import type { InstallOptions } from './install';
import { findBinaries } from '../binaries/find';
import { findUsedLibTorch } from './load';
import { useLibTorch } from './use';

/**
 * Finds the LibTorch that this process uses: the one that is loaded, else the one that the first model will
 * load. Searches the directory given to `libtorch.use`, those of `SEMISUP_LIBTORCH` and `LIBTORCH`, the
 * user's cache, and Python's PyTorch if `LIBTORCH_USE_PYTORCH=1`.
 *
 * @returns its directory, version and variant, how it was found, and the locations rejected before it;
 *   undefined if there is none, in which case `libtorch.install` provides it
 * @throws LibTorchError `ERR_SEMISUP_LIBTORCH_NOT_FOUND` or `…_MISMATCH` if a directory is configured (by
 *   `libtorch.use`, `SEMISUP_LIBTORCH` or `LIBTORCH`) but unusable, which an installation would not
 *   remedy. `ERR_SEMISUP_ADDON_NOT_FOUND` if the addon is not compiled for this platform.
 */
async function find(): Promise<LibTorch | undefined> {
  try {
    return await findUsedLibTorch();
  } catch (error) {
    const isMissing =
      error instanceof LibTorchError &&
      ['NOT_FOUND', 'MISMATCH'].some((kind) => error.code === `ERR_SEMISUP_LIBTORCH_${kind}`);
    if (isMissing && !isConfigured(findBinaries().loader.directory())) return undefined;
    throw error;
  }
}

/**
 * Downloads the LibTorch that this version of the package is tested with, verifies its pinned SHA-256, and
 * installs it into the user's cache, where it is found afterwards, or into `dir`. Resolves at once if it is
 * installed already. Concurrent calls for one directory, also of several processes, download once.
 *
 * An aborted or failed installation leaves no LibTorch behind. The bytes already downloaded are kept next to
 * the directory, and the next call resumes the download.
 *
 * @throws OptionError if an option is invalid, or `dir` contains other files.
 *   LibTorchError `ERR_SEMISUP_PLATFORM` if there is no build for this platform,
 *   `ERR_SEMISUP_LIBTORCH_INSTALL` if it cannot be downloaded or unpacked.
 *   DownloadError if a file is not the pinned one, the disk is full, or `SEMISUP_OFFLINE` is set.
 *   `signal.reason` after an abort.
 */
async function install(options: InstallOptions = {}): Promise<LibTorchDirectory> {
  // Loaded on first use, because most processes never install it.
  const { checkInstallOptions, installLibTorch } =
    require('./install') as typeof import('./install');
  checkInstallOptions(options);
  return await installLibTorch(options);
}

/**
 * Makes this process load LibTorch from `dir`, before all other locations: a LibTorch that the application
 * ships. Must be called before LibTorch is loaded, i.e. before the first model or tensor. It applies to all
 * threads of the process, because LibTorch is loaded once per process, but not to child processes. A path
 * in an `app.asar` archive stands for the file in `app.asar.unpacked`.
 *
 * @param dir the directory that contains `lib` and `version.py` or `build-version`; checked at once
 * @throws OptionError if `dir` is not a path.
 *   LibTorchError `ERR_SEMISUP_LIBTORCH_NOT_FOUND` if it does not contain LibTorch, `…_MISMATCH` if its
 *   version is not the addon's, `…_LOADED` if LibTorch is already loaded from another directory.
 *   `ERR_SEMISUP_ADDON_NOT_FOUND` if the addon is not compiled for this platform.
 */
function use(dir: string): void {
  useLibTorch(dir);
}

/** LibTorch itself: which one is used, and how to install it from a program. */
export const libtorch = { find, install, use };
