import { DownloadError, LibTorchError } from '../errors';
import { download } from '../net/download';
import { sha256File } from '../net/hash';
import { isOffline } from '../net/offline';
import { fetchByPip } from './pip';
import type { Wheel } from './wheels';

export interface FetchOptions {
  readonly signal?: AbortSignal;
  /** Called with the bytes received so far. */
  readonly onProgress?: (received: number) => void;
}

/**
 * Downloads a wheel to `file`: from `SEMISUP_LIBTORCH_MIRROR` if set, else from PyTorch's download
 * server, and with pip if that fails. An existing file with the pinned hash is kept.
 *
 * @throws DownloadError `…_OFFLINE` if `SEMISUP_OFFLINE` is set, `…_HASH` or `…_SIZE` if the file is
 *   not the pinned one, `…_DISK`.
 *   LibTorchError `ERR_SEMISUP_LIBTORCH_INSTALL` if all sources failed; its `cause` holds their errors.
 */
export async function fetchWheel(wheel: Wheel, file: string, options: FetchOptions): Promise<void> {
  const { signal, onProgress } = options;
  if (await isIntact(file, wheel, signal)) return;
  if (isOffline()) throw offlineError(wheel);
  const failures: Error[] = [];
  const base = [process.env.SEMISUP_LIBTORCH_MIRROR, wheel.base].find(Boolean);
  if (base) {
    try {
      await download(wheelUrl(base, wheel), file, {
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
    throw allFailedError(wheel, [...failures, error]);
  }
}

function wheelUrl(base: string, wheel: Wheel): string {
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

function offlineError(wheel: Wheel): DownloadError {
  return new DownloadError('ERR_SEMISUP_DOWNLOAD_OFFLINE', {
    what: `${wheel.file} was not downloaded, because SEMISUP_OFFLINE is set.`,
    remedy: 'Unset it, or set SEMISUP_LIBTORCH to a LibTorch installation.',
    value: wheel.file,
  });
}

function allFailedError(wheel: Wheel, failures: readonly Error[]): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_LIBTORCH_INSTALL', {
    what: `${wheel.file} could not be downloaded:\n${failures.map(({ message }) => `- ${message}`).join('\n')}\n`,
    remedy:
      'Set SEMISUP_LIBTORCH_MIRROR to the base URL of a mirror, or SEMISUP_LIBTORCH to a LibTorch installation.',
    value: wheel.file,
    cause: new AggregateError(failures),
  });
}
