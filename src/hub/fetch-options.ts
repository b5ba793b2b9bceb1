import { DownloadError } from '../errors';
import type { DownloadProgress } from '../net/download';
import type { LockHolder } from '../net/lock-file';
import type { RetryPolicy } from '../net/retry';

/** How a checkpoint is fetched. */
export interface FetchOptions {
  /** The hub's directory, instead of torch.hub's own. */
  readonly hubDir?: string;
  readonly signal?: AbortSignal;
  /** Called at the start, about ten times a second, and at the end of a download. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Called when another process is fetching the same file, which is then waited for. */
  readonly onWait?: (holder: LockHolder | undefined) => void;
  /** Whether only the cache may be used. Default: whether `SEMISUP_OFFLINE` is set. */
  readonly offline?: boolean;
  /** Whether to fetch even where the cache has the file, which stays until the new one is checked. */
  readonly forceReload?: boolean;
  /** @internal */
  readonly retryPolicy?: RetryPolicy;
}

/** The error for a file that is needed, absent, and may not be fetched. */
export function offlineError(path: string, origin: string): DownloadError {
  return new DownloadError('ERR_SEMISUP_DOWNLOAD_OFFLINE', {
    what: `${path} is not in the cache, and offline mode prevents its download from ${origin}.`,
    remedy: 'Put the file there, or fetch it once without `offline` and SEMISUP_OFFLINE.',
    value: path,
  });
}

/** The error for a file of the cache that is not what its name says. */
export function damagedError(path: string, actual: string, expected: string): DownloadError {
  return new DownloadError('ERR_SEMISUP_DOWNLOAD_HASH', {
    what: `${path} has the SHA-256 ${actual}, which does not begin with ${expected}: it is damaged, or another file.`,
    remedy: 'Download it again with `forceReload: true`, or delete it.',
    value: path,
  });
}
