import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import nodeGypBuild from 'node-gyp-build';
import { LibTorchError } from '../errors';
import { reason } from '../net/reason';
import { findLibTorch, findLibTorchSync, type FindOptions, type LibTorch } from './find';
import { majorMinor } from './folder';
import { librariesToOpen } from './libraries';

export interface LoadOptions {
  /** A folder of LibTorch, to be taken before all others. Counts for the first call only. */
  readonly libtorch?: string;
}

/** The small addon that opens libraries; it needs no LibTorch itself. */
export interface Loader {
  /** Opens libraries by absolute path, in order, on a thread of its own. */
  open(paths: readonly string[]): Promise<void>;
  openSync(paths: readonly string[]): void;
  /** Asks NVIDIA's driver, by the names or paths of its libraries. */
  queryGpuDriver(cuda: string, nvml: string): Promise<NativeGpuDriver>;
  queryGpuDriverSync(cuda: string, nvml: string): NativeGpuDriver;
}

/** What NVIDIA's driver says, as the loader tells it. */
export interface NativeGpuDriver {
  /** Why there is none, in the system's words. */
  readonly missing?: string;
  /** Why it cannot be used, in its own words. */
  readonly failure?: string;
  /** The version of CUDA that it can run, as 1000 * major + 10 * minor; 0 if it does not tell. */
  readonly cudaVersion: number;
  readonly gpus: readonly {
    readonly name: string;
    readonly major: number;
    readonly minor: number;
    /** Bytes. */
    readonly total: number;
    readonly free?: number;
  }[];
}

/** What is compiled for this platform. */
interface Binaries {
  readonly loader: Loader;
  /** The addons by the major.minor of the LibTorch that they are built for. */
  readonly addons: ReadonlyMap<string, string>;
  /** What names CUDA's functions, likewise; not for all of them, and opened only where CUDA is. */
  readonly cudaParts: ReadonlyMap<string, string>;
}

interface Loaded {
  readonly addon: unknown;
  readonly libtorch: LibTorch;
}

let loaded: Loaded | undefined;
let loading: Promise<Loaded> | undefined;

/**
 * Finds LibTorch, opens it off the JS thread, and loads the addon that is built for it. Calls share
 * one load; one that failed may be tried again.
 *
 * @throws LibTorchError `ERR_SEMISUP_ADDON_NOT_FOUND` where no addon is compiled for this platform,
 *   `ERR_SEMISUP_LIBTORCH_NOT_FOUND` and `…_MISMATCH` as `findLibTorch`, `ERR_SEMISUP_LIBTORCH_OPEN`
 *   where the system's linker refuses.
 * @returns What the addon exports.
 */
export async function loadAddon(options: LoadOptions = {}): Promise<unknown> {
  if (loaded) return loaded.addon;
  loading ??= load(options).finally(() => (loading = undefined));
  return (await loading).addon;
}

/** As `loadAddon`, but blocks while LibTorch is opened. */
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

/** As `findUsedLibTorch`, but blocks where Python has to be asked. */
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

/** The library of this package that names CUDA's functions, for a LibTorch; undefined if there is none. */
export function cudaPart({ version }: Pick<LibTorch, 'version'>): string | undefined {
  return findBinaries().cudaParts.get(majorMinor(version));
}

async function load(options: LoadOptions): Promise<Loaded> {
  const binaries = findBinaries();
  const { loader } = binaries;
  const libtorch = await findLibTorch(findOptions(binaries, options));
  const libraries = librariesOf(libtorch);
  const wait = () => {
    waitUntilOpen(loader, libraries);
  };
  process.once('exit', wait);
  try {
    await loader.open(libraries);
  } catch (cause) {
    throw openFailed(libtorch, cause);
  } finally {
    process.off('exit', wait);
  }
  return finish(libtorch, binaries);
}

/** What the LibTorch to open must fit. */
function findOptions({ addons }: Binaries, options: LoadOptions = {}): FindOptions {
  return { ...options, versions: [...addons.keys()] };
}

function librariesOf({ dir }: LibTorch): string[] {
  return librariesToOpen(join(dir, 'lib'));
}

// process.exit runs LibTorch's static destructors, which crash if its constructors still run on the
// loader's thread. To open the same libraries here takes the linker's lock, and so waits for them.
function waitUntilOpen(loader: Loader, libraries: readonly string[]): void {
  try {
    loader.openSync(libraries);
  } catch {
    // What cannot be opened runs no constructors.
  }
}

// A synchronous call may have overtaken the asynchronous one: the addon must be loaded once only, for
// a second load would take the place of the first one's state.
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
    file = unpacked(nodeGypBuild.path(root));
    loader = dlopen(file) as Loader;
  } catch (cause) {
    throw addonNotFound(root, reason(cause), cause);
  }
  const folder = dirname(file);
  const addons = librariesIn(folder, 'torch');
  if (addons.size === 0) {
    throw addonNotFound(
      root,
      `${basename(file)} lies in ${folder} without torch-<version> beside it`,
    );
  }
  return { loader, addons, cudaParts: librariesIn(folder, 'cuda') };
}

/** Those named `<name>-<version>`, by version. */
function librariesIn(folder: string, name: string): Map<string, string> {
  const pattern = new RegExp(`^${name}-(\\d+\\.\\d+)\\.(?:so|dll)$`);
  const found = readdirSync(folder).map(
    (file) => [pattern.exec(file)?.[1] ?? '', join(folder, file)] as const,
  );
  return new Map(found.filter(([version]) => version !== ''));
}

// An addon may have any file name for process.dlopen. All symbols are bound now: one that is missing
// would otherwise end the process when it is first called.
function dlopen(file: string): unknown {
  const module = { exports: {} };
  process.dlopen(module, file, constants.dlopen.RTLD_NOW);
  return module.exports;
}

/** The system's linker cannot see into Electron's archives: the files lie beside them. */
function unpacked(file: string): string {
  return file.replace(/\.asar(?=[\\/])/, '.asar.unpacked');
}

function addonNotFound(root: string, problem: string, cause?: unknown): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_ADDON_NOT_FOUND', {
    what: `The compiled addon for ${process.platform}-${process.arch} cannot be loaded: ${problem}.`,
    remedy: `In a clone run 'npm run build:native'; else see whether ${join(root, 'prebuilds')} has this platform, and install the package again.`,
    value: root,
    cause,
  });
}

function openFailed(libtorch: LibTorch, cause: unknown): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_LIBTORCH_OPEN', {
    what: `LibTorch ${libtorch.version} in ${libtorch.dir} (from ${libtorch.source}) cannot be opened: ${reason(cause)}.`,
    remedy: `Possible solutions:
- remove that folder and fetch it again: npx semisup libtorch install
- where a library is missing or too old (libstdc++, glibc 2.28 or newer), update the system
- set SEMISUP_LIBTORCH to another LibTorch of version ${majorMinor(libtorch.version)}`,
    value: libtorch.dir,
    cause,
  });
}
