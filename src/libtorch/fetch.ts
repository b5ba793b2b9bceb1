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
    if (!(error instanceof LibTorchError)) throw error;
    throw new UnavailableError(wheel, [...failures, error]);
  }
}

/** No source has the wheel. */
export class UnavailableError extends LibTorchError {
  constructor(
    wheel: Wheel,
    readonly failures: readonly Error[],
  ) {
    const list = failures.map((failure) => `- ${describe(failure)}`).join('\n');
    super('ERR_SEMISUP_LIBTORCH_INSTALL', {
      what: `${wheel.file} could not be downloaded:\n${list}\n`,
      remedy: `Check the network, pip and its index, or use one of these:
- a mirror with the wheels: set SEMISUP_LIBTORCH_MIRROR to its base URL
- the PyTorch of a Python: set LIBTORCH_USE_PYTORCH=1
- another LibTorch of this version: set SEMISUP_LIBTORCH to its directory`,
      value: wheel.file,
      cause: new AggregateError(failures),
    });
    this.name = 'LibTorchError';
  }
}

/** The errors of pip repeat the remedies of this one. */
function describe(failure: Error): string {
  return failure instanceof LibTorchError ? failure.what : failure.message;
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
