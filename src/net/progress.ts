/** Progress of a download. */
export interface DownloadProgress {
  readonly url: string;
  /** Path of the file once complete. */
  readonly file: string;
  /** Bytes received, including those of previous attempts. */
  readonly received: number;
  /** Size of the whole file in bytes, if known. */
  readonly total: number | undefined;
}

/** Minimum milliseconds between two calls. */
const INTERVAL = 100;

/** Returns a function that calls `onProgress` at most ten times a second, and always if `force` is true. */
export function createProgressReporter(
  url: string,
  file: string,
  onProgress: ((progress: DownloadProgress) => void) | undefined,
): (received: number, total: number | undefined, force?: boolean) => void {
  let last = -Infinity;
  return (received, total, force = false) => {
    const now = performance.now();
    if (onProgress === undefined || (!force && now < last + INTERVAL)) return;
    last = now;
    onProgress({ url, file, received, total });
  };
}
