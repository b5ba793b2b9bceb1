import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { LibTorchError } from '../errors';
import { errorReason } from '../net/error-reason';
import { dlopen, findBinaries, type Binaries } from '../binaries/find';
import { majorMinor } from '../binaries/major-minor';
import { findLibTorch, findLibTorchSync, type FindOptions, type LibTorch } from './find';
import { librariesToOpen } from './libraries';
import type { Loader } from '../binaries/loader';
import { oldSystemLibrary } from '../binaries/system-library';
import { onWindowsExit } from '../binaries/windows-exit';

interface Loaded {
  readonly addon: unknown;
  readonly libtorch: LibTorch;
}

let loaded: Loaded | undefined;
let loading: Promise<Loaded> | undefined;

/**
 * Finds LibTorch, opens it off the JS thread, and loads the addon that is built for it. Calls share
 * one load; a failed load may be retried.
 *
 * @throws LibTorchError `ERR_SEMISUP_ADDON_NOT_FOUND` if no addon is compiled for this platform,
 *   `ERR_SEMISUP_LIBTORCH_NOT_FOUND` and `…_MISMATCH` as `findLibTorch`, `ERR_SEMISUP_LIBTORCH_OPEN`
 *   if the dynamic linker fails, `ERR_SEMISUP_PLATFORM` if the system's C library is not supported.
 * @returns the addon's exports
 */
export async function loadAddon(): Promise<unknown> {
  if (loaded) return loaded.addon;
  loading ??= load().finally(() => (loading = undefined));
  return (await loading).addon;
}

/** Like `loadAddon`, but blocks while LibTorch is opened. */
export function loadAddonSync(): unknown {
  if (loaded) return loaded.addon;
  const binaries = findBinaries();
  const { loader } = binaries;
  let libtorch: LibTorch;
  do libtorch = findLibTorchSync(findOptions(binaries));
  while (!acquire(loader, libtorch));
  let isOpen = false;
  try {
    loader.openSync(librariesOf(libtorch));
    isOpen = true;
  } catch (cause) {
    throw openFailed(libtorch, cause);
  } finally {
    loader.releaseDirectory(isOpen);
  }
  return finish(libtorch, binaries).addon;
}

/**
 * The LibTorch that `loadAddon` opens.
 *
 * @throws LibTorchError as `loadAddon` does before it opens anything.
 */
export async function findUsedLibTorch(): Promise<LibTorch> {
  return loaded?.libtorch ?? (await findLibTorch(findOptions(findBinaries())));
}

/** Like `findUsedLibTorch`, but blocks while Python is queried. */
export function findUsedLibTorchSync(): LibTorch {
  return loaded?.libtorch ?? findLibTorchSync(findOptions(findBinaries()));
}

async function load(): Promise<Loaded> {
  const binaries = findBinaries();
  const { loader } = binaries;
  let libtorch: LibTorch;
  do libtorch = await findLibTorch(findOptions(binaries));
  while (!acquire(loader, libtorch));
  const libraries = librariesOf(libtorch);
  const stopListening = onWindowsExit(() => {
    waitUntilOpen(loader, libraries);
  });
  let isOpen = false;
  try {
    await loader.open(libraries);
    isOpen = true;
  } catch (cause) {
    throw openFailed(libtorch, cause);
  } finally {
    loader.releaseDirectory(isOpen);
    stopListening();
  }
  return finish(libtorch, binaries);
}

/** Restricts the search to the versions that an addon is built for, and to the directory of the process. */
function findOptions({ loader, addons }: Binaries): FindOptions {
  return { ...loader.directory(), versions: [...addons.keys()] };
}

/** Returns false if another thread has meanwhile opened another LibTorch, which the next search returns. */
function acquire(loader: Loader, { dir }: LibTorch): boolean {
  return loader.acquireDirectory(realpathSync(dir));
}

function librariesOf({ dir }: LibTorch): string[] {
  return librariesToOpen(join(dir, 'lib'));
}

// Opening the same libraries here blocks on the loader lock until their initializers on the loader addon's
// thread finish, as ExitGuard in binding/ does on other systems.
function waitUntilOpen(loader: Loader, libraries: readonly string[]): void {
  try {
    loader.openSync(libraries);
  } catch {
    // A library that failed to open has no running constructors.
  }
}

// A synchronous call may finish before a pending asynchronous one. A second load would replace the state of
// the first, so the addon is loaded only once.
function finish(libtorch: LibTorch, { addons }: Binaries): Loaded {
  if (loaded) return loaded;
  const file = addons.get(majorMinor(libtorch.version))!;
  try {
    loaded = { addon: dlopen(file), libtorch };
  } catch (cause) {
    throw openFailed(libtorch, cause);
  }
  return loaded;
}

function openFailed(libtorch: LibTorch, cause: unknown): LibTorchError {
  const { dir, version, source } = libtorch;
  const old = oldSystemLibrary((cause as Error).message);
  return new LibTorchError('ERR_SEMISUP_LIBTORCH_OPEN', {
    what: `LibTorch ${version} in ${dir} (from ${source}) could not be opened: ${old?.problem ?? errorReason(cause)}.`,
    remedy:
      old?.remedy ??
      `Possible solutions:
- remove that directory and reinstall it: npx semisup libtorch install
- if a library of the system is missing, install it
- set SEMISUP_LIBTORCH to another LibTorch of version ${majorMinor(version)}`,
    value: dir,
    cause,
  });
}
