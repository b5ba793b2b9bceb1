import { DownloadError, LibTorchError } from '../errors';
import { download } from '../net/download';
import { sha256File } from '../net/hash';
import { isOffline } from '../net/offline';
import { fetchByPip } from './pip';
import type { Wheel } from './wheels';

export interface FetchOptions {
  readonly signal?: AbortSignal;
  /** Called with the bytes that have come so far. */
  readonly onProgress?: (received: number) => void;
}

/**
 * Fetches a wheel into `file`: from `SEMISUP_LIBTORCH_MIRROR` if that is set, else from PyTorch's own
 * host, and by pip where neither has it or can be reached. A file that is there already and intact is
 * kept.
 *
 * @throws DownloadError `…_OFFLINE` where `SEMISUP_OFFLINE` forbids it, `…_HASH` or `…_SIZE` where
 *   another file came than the pinned one, `…_DISK`.
 *   LibTorchError `ERR_SEMISUP_LIBTORCH_INSTALL` where the file cannot be had; its `cause` holds the
 *   errors of all ways that were tried.
 */
export async function fetchWheel(wheel: Wheel, file: string, options: FetchOptions): Promise<void> {
  const { signal, onProgress } = options;
  if (await isIntact(file, wheel, signal)) return;
  if (isOffline()) throw offline(wheel);
  const failures: Error[] = [];
  const base = [process.env.SEMISUP_LIBTORCH_MIRROR, wheel.base].find(Boolean);
  if (base) {
    try {
      await download(address(base, wheel), file, {
        sha256: wheel.sha256,
        size: wheel.size,
        signal,
        onProgress: ({ received }) => onProgress?.(received),
      });
      return;
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      failures.push(error);
    }
  }
  try {
    await fetchByPip(wheel, file, options);
  } catch (error) {
    if (!(error instanceof LibTorchError) || failures.length === 0) throw error;
    throw allFailed(wheel, [...failures, error]);
  }
}

function address(base: string, wheel: Wheel): string {
  return `${base.replace(/\/*$/, '/')}${encodeURIComponent(wheel.file)}`;
}

async function isIntact(file: string, wheel: Wheel, signal?: AbortSignal): Promise<boolean> {
  try {
    return (await sha256File(file, signal)) === wheel.sha256;
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}

function isUnreachable(error: unknown): error is DownloadError {
  const codes = ['HTTP', 'NETWORK', 'TRUNCATED'].map((kind) => `ERR_SEMISUP_DOWNLOAD_${kind}`);
  return error instanceof DownloadError && codes.includes(error.code);
}

function offline(wheel: Wheel): DownloadError {
  return new DownloadError('ERR_SEMISUP_DOWNLOAD_OFFLINE', {
    what: `${wheel.file} is not here and may not be fetched, because SEMISUP_OFFLINE is set.`,
    remedy: 'Unset it, or set SEMISUP_LIBTORCH to a LibTorch of your own.',
    value: wheel.file,
  });
}

function allFailed(wheel: Wheel, failures: readonly Error[]): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_LIBTORCH_INSTALL', {
    what: `${wheel.file} cannot be fetched:\n${failures.map(({ message }) => `- ${message}`).join('\n')}\n`,
    remedy:
      'Set SEMISUP_LIBTORCH_MIRROR to a folder of the web that has the file, or SEMISUP_LIBTORCH to a LibTorch of your own.',
    value: wheel.file,
    cause: new AggregateError(failures),
  });
}
