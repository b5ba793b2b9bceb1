import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import nodeGypBuild from 'node-gyp-build';
import { LibTorchError } from '../errors';
import { errorReason } from '../net/error-reason';
import { findLibTorch, findLibTorchSync, type FindOptions, type LibTorch } from './find';
import { majorMinor } from './directory';
import { librariesToOpen } from './libraries';

export interface LoadOptions {
  /** A LibTorch directory that takes precedence over all others. Used by the first call only. */
  readonly libtorch?: string;
}

/** The loader addon, which opens libraries and does not depend on LibTorch. */
export interface Loader {
  /** Opens libraries by absolute path, in order, on a separate thread. */
  open(paths: readonly string[]): Promise<void>;
  openSync(paths: readonly string[]): void;
  /** Queries NVIDIA's driver through its libraries, given by name or path. */
  queryGpuDriver(cuda: string, nvml: string): Promise<NativeGpuDriver>;
  queryGpuDriverSync(cuda: string, nvml: string): NativeGpuDriver;
}

/** The state of NVIDIA's driver, as the loader reports it. */
export interface NativeGpuDriver {
  /** Why the driver was not found: the system's message. */
  readonly missing?: string;
  /** Why the driver failed: its own message. */
  readonly failure?: string;
  /** The highest supported CUDA version, 1000 * major + 10 * minor; 0 if not reported. */
  readonly cudaVersion: number;
  readonly gpus: readonly {
    readonly name: string;
    readonly major: number;
    readonly minor: number;
    /** In bytes. */
    readonly total: number;
    readonly free?: number;
  }[];
}

/** The compiled binaries for this platform. */
interface Binaries {
  readonly loader: Loader;
  /** Paths of the addons, by the major.minor of their LibTorch. */
  readonly addons: ReadonlyMap<string, string>;
  /** Paths of the CUDA backend libraries, likewise by version; opened only if CUDA is available. */
  readonly cudaBackends: ReadonlyMap<string, string>;
}

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
 *   if the dynamic linker fails.
 * @returns the addon's exports
 */
export async function loadAddon(options: LoadOptions = {}): Promise<unknown> {
  if (loaded) return loaded.addon;
  loading ??= load(options).finally(() => (loading = undefined));
  return (await loading).addon;
}

/** Like `loadAddon`, but blocks while LibTorch is opened. */
export function loadAddonSync(options: LoadOptions = {}): unknown {
  if (loaded) return loaded.addon;
  const binaries = findBinaries();
  const libtorch = findLibTorchSync(findOptions(binaries, options));
  try {
    binaries.loader.openSync(librariesOf(libtorch));
  } catch (cause) {
    throw openFailed(libtorch, cause);
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

/**
 * The loader, without LibTorch.
 *
 * @throws LibTorchError `ERR_SEMISUP_ADDON_NOT_FOUND`
 */
export function findLoader(): Loader {
  return findBinaries().loader;
}

/** Path of the CUDA backend library for a LibTorch; undefined if not compiled. */
export function cudaBackend({ version }: Pick<LibTorch, 'version'>): string | undefined {
  return findBinaries().cudaBackends.get(majorMinor(version));
}

async function load(options: LoadOptions): Promise<Loaded> {
  const binaries = findBinaries();
  const { loader } = binaries;
  const libtorch = await findLibTorch(findOptions(binaries, options));
  const libraries = librariesOf(libtorch);
  const onExit = () => {
    waitUntilOpen(loader, libraries);
  };
  process.once('exit', onExit);
  try {
    await loader.open(libraries);
  } catch (cause) {
    throw openFailed(libtorch, cause);
  } finally {
    process.off('exit', onExit);
  }
  return finish(libtorch, binaries);
}

/** Restricts the search to the versions that an addon is built for. */
function findOptions({ addons }: Binaries, options: LoadOptions = {}): FindOptions {
  return { ...options, versions: [...addons.keys()] };
}

function librariesOf({ dir }: LibTorch): string[] {
  return librariesToOpen(join(dir, 'lib'));
}

// `process.exit` runs LibTorch's static destructors, which crash while its constructors run on the
// loader's thread. Opening the same libraries here blocks on the dynamic linker's lock until they finish.
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

function findBinaries(): Binaries {
  const root = resolve(__dirname, '..', '..');
  let file: string;
  let loader: Loader;
  try {
    file = unpackedPath(nodeGypBuild.path(root));
    loader = dlopen(file) as Loader;
  } catch (cause) {
    // node-gyp-build's message has several lines.
    throw addonNotFound(
      root,
      errorReason(cause)
        .trim()
        .replaceAll(/\s*\n\s*/g, ', '),
      cause,
    );
  }
  const directory = dirname(file);
  const addons = librariesIn(directory, 'torch');
  if (addons.size === 0) {
    throw addonNotFound(
      root,
      `${basename(file)} in ${directory} has no torch-<version> next to it`,
    );
  }
  return { loader, addons, cudaBackends: librariesIn(directory, 'cuda') };
}

/** Paths of the libraries named `<name>-<version>`, by version. */
function librariesIn(directory: string, name: string): Map<string, string> {
  const pattern = new RegExp(`^${name}-(\\d+\\.\\d+)\\.(?:so|dll)$`);
  const found = readdirSync(directory).map(
    (file) => [pattern.exec(file)?.[1] ?? '', join(directory, file)] as const,
  );
  return new Map(found.filter(([version]) => version !== ''));
}

// `process.dlopen` accepts any file name. With lazy binding, a missing symbol would abort the process on
// its first call, so all symbols are bound now.
function dlopen(file: string): unknown {
  const module = { exports: {} };
  process.dlopen(module, file, constants.dlopen.RTLD_NOW);
  return module.exports;
}

/** The dynamic linker cannot read Electron's archives; Electron unpacks addons next to them. */
function unpackedPath(file: string): string {
  return file.replace(/\.asar(?=[\\/])/, '.asar.unpacked');
}

function addonNotFound(root: string, problem: string, cause?: unknown): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_ADDON_NOT_FOUND', {
    what: `The compiled addon for ${process.platform}-${process.arch} could not be loaded: ${problem}.`,
    remedy: `In a clone, run 'npm run build:native'. Otherwise reinstall the package; if ${join(root, 'prebuilds')} does not contain this platform, compile the addon, which requires CMake and a C++20 compiler: npm install --save-dev cmake-js node-addon-api && node "${join(root, 'scripts', 'setup.mjs')}" --native`,
    value: root,
    cause,
  });
}

function openFailed(libtorch: LibTorch, cause: unknown): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_LIBTORCH_OPEN', {
    what: `LibTorch ${libtorch.version} in ${libtorch.dir} (from ${libtorch.source}) could not be opened: ${errorReason(cause)}.`,
    remedy: `Possible solutions:
- remove that directory and reinstall it: npx semisup libtorch install
- if a library is missing or too old (libstdc++, glibc 2.28 or newer), update the system
- set SEMISUP_LIBTORCH to another LibTorch of version ${majorMinor(libtorch.version)}`,
    value: libtorch.dir,
    cause,
  });
}
