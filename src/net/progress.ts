/** How far a download is. */
export interface DownloadProgress {
  readonly url: string;
  /** Where the file will lie. */
  readonly file: string;
  /** Bytes that are there, those of earlier tries included. */
  readonly received: number;
  /** Bytes of the whole file, where the host told. */
  readonly total: number | undefined;
}

const INTERVAL = 100;

/** Calls `onProgress` at most ten times a second, and whenever `always` is set. */
export function progressReporter(
  url: string,
  file: string,
  onProgress: ((progress: DownloadProgress) => void) | undefined,
): (received: number, total: number | undefined, always?: boolean) => void {
  let last = -Infinity;
  return (received, total, always = false) => {
    const now = performance.now();
    if (onProgress === undefined || (!always && now < last + INTERVAL)) return;
    last = now;
    onProgress({ url, file, received, total });
  };
}
