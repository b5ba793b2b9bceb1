import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DownloadError, LibTorchError } from '../errors';
import { errorReason } from '../net/error-reason';
import { sha256File } from '../net/hash';
import { pythons } from './python';
import type { Wheel } from './wheels';

export interface PipOptions {
  readonly signal?: AbortSignal;
  /** Called with the bytes received so far. */
  readonly onProgress?: (received: number) => void;
}

/**
 * Downloads a wheel to `file` with pip, which uses the user's package index, mirrors and proxies. The
 * wheel may be for another Python version than pip's own.
 *
 * @throws LibTorchError `ERR_SEMISUP_LIBTORCH_INSTALL` with pip's own message. DownloadError
 *   `ERR_SEMISUP_DOWNLOAD_HASH` if the file is not the pinned one.
 */
export async function fetchByPip(wheel: Wheel, file: string, options: PipOptions): Promise<void> {
  const directory = `${file}.pip`;
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const progressTimer = setInterval(() => void reportSize(directory, wheel, options), 250);
  try {
    await runPip(wheel, directory, options);
    const downloaded = join(directory, wheel.file);
    if (!existsSync(downloaded)) throw pipError(wheel, 'pip did not download the file');
    await checkHash(downloaded, wheel, options.signal);
    await rename(downloaded, file);
  } finally {
    clearInterval(progressTimer);
    await rm(directory, { recursive: true, force: true });
  }
}

/** Parses a wheel's name: the requirement, e.g. `torch===2.13.0+cpu`, and its platform tags. */
function parseWheelName(file: string): { requirement: string; platforms: string[] } {
  const [name, version, , , platforms] = file.replace(/\.whl$/, '').split('-');
  return { requirement: `${name}===${version}`, platforms: platforms!.split('.') };
}

async function runPip(wheel: Wheel, directory: string, { signal }: PipOptions): Promise<void> {
  const { requirement, platforms } = parseWheelName(wheel.file);
  const args = [
    ...['-m', 'pip', 'download', '--quiet', '--no-input', '--disable-pip-version-check'],
    ...['--no-deps', '--only-binary=:all:', '--python-version', '3.11', '--implementation', 'cp'],
    ...platforms.flatMap((platform) => ['--platform', platform]),
    ...['--dest', directory, requirement],
  ];
  // pip then creates its temporary files here, where their size is observed and they are removed.
  const temporary = { TMPDIR: directory, TEMP: directory, TMP: directory };
  for (const python of pythons) {
    const result = await run(python, args, { ...process.env, ...temporary }, signal).catch(
      (cause: unknown) => {
        signal?.throwIfAborted();
        throw pipError(wheel, `${python} could not be run: ${errorReason(cause)}`, cause as Error);
      },
    );
    if (result === 'not-found') continue;
    if (result.code === 0) return;
    throw pipError(wheel, `${python} -m pip download ${requirement} failed: ${result.stderr}`);
  }
  throw pipError(wheel, `${pythons.join(' or ')} was not found on PATH`, new PythonNotFound());
}

class PythonNotFound extends Error {}

/** Whether `fetchByPip` failed because there is no Python, so that it would fail for any wheel. */
export function isPipMissing(error: unknown): boolean {
  return error instanceof LibTorchError && error.cause instanceof PythonNotFound;
}

function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<{ code: number | null; stderr: string } | 'not-found'> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env,
      signal,
      stdio: ['ignore', 'ignore', 'pipe'],
      windowsHide: true,
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-2000);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (signal?.aborted) reject(signal.reason as Error);
      else if (error.code === 'ENOENT') resolve('not-found');
      else reject(error);
    });
    child.on('close', (code) => {
      resolve({ code, stderr: stderr.trim() });
    });
  });
}

async function checkHash(file: string, wheel: Wheel, signal?: AbortSignal): Promise<void> {
  const actual = await sha256File(file, signal);
  if (actual === wheel.sha256) return;
  throw new DownloadError('ERR_SEMISUP_DOWNLOAD_HASH', {
    what: `Expected SHA-256 ${wheel.sha256} for ${wheel.file} from pip, but received ${actual}.`,
    remedy: 'Check which index or mirror pip is configured to use.',
    value: wheel.file,
  });
}

async function reportSize(
  directory: string,
  wheel: Wheel,
  { onProgress }: PipOptions,
): Promise<void> {
  try {
    const files = await readdir(directory, { recursive: true });
    const sizes = await Promise.all(files.map(async (file) => fileSize(join(directory, file))));
    onProgress?.(Math.min(Math.max(0, ...sizes), wheel.size));
  } catch {
    // The directory is removed once pip has finished.
  }
}

async function fileSize(path: string): Promise<number> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ? stats.size : 0;
}

function pipError(wheel: Wheel, what: string, cause?: Error): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_LIBTORCH_INSTALL', {
    what: `${wheel.file} could not be downloaded with pip: ${what}.`,
    remedy: 'Check pip and its index, or set SEMISUP_LIBTORCH to a LibTorch installation.',
    value: wheel.file,
    cause,
  });
}
