import { DownloadError } from '../errors';
import type { DownloadProgress } from '../net/download';
import type { LockHolder } from '../net/lock-file';
import type { RetryPolicy } from '../net/retry';

/** Options for fetching a checkpoint. */
export interface FetchOptions {
  /** The hub's directory, instead of torch.hub's own. */
  readonly hubDir?: string;
  readonly signal?: AbortSignal;
  /** Called at the start and the end of a download, and at most ten times a second in between. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Called before waiting for another process that is fetching the same file. */
  readonly onWait?: (holder: LockHolder | undefined) => void;
  /** Whether to use only the cache; by default whether `SEMISUP_OFFLINE` is set. */
  readonly offline?: boolean;
  /** Whether to download a cached file again; it is kept until the new one is verified. */
  readonly forceReload?: boolean;
  /** @internal */
  readonly retryPolicy?: RetryPolicy;
}

/** The error for a file that is not cached in offline mode. */
export function offlineError(path: string, origin: string): DownloadError {
  return new DownloadError('ERR_SEMISUP_DOWNLOAD_OFFLINE', {
    what: `${path} is not in the cache, and offline mode prevents its download from ${origin}.`,
    remedy: 'Copy the file there, or download it once without `offline` and SEMISUP_OFFLINE.',
    value: path,
  });
}

/** The error for a cached file whose hash does not match. */
export function damagedError(path: string, actual: string, expected: string): DownloadError {
  return new DownloadError('ERR_SEMISUP_DOWNLOAD_HASH', {
    what: `Expected SHA-256 ${expected} for ${path}, but received ${actual}.`,
    remedy: 'Download it again with `forceReload: true`, or delete it.',
    value: path,
  });
}
