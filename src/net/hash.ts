import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { unreadable } from './disk';

// Small enough that hashing one piece holds the event loop for less than a millisecond.
const PIECE = 256 * 1024;

/**
 * Adds the whole of a file to `hash`; gives its length.
 *
 * @throws DownloadError `ERR_SEMISUP_DOWNLOAD_DISK` where it cannot be read. `signal.reason` after an
 *   abort.
 */
export async function hashInto(hash: Hash, path: string, signal?: AbortSignal): Promise<number> {
  let length = 0;
  try {
    for await (const piece of createReadStream(path, { highWaterMark: PIECE })) {
      signal?.throwIfAborted();
      hash.update(piece as Buffer);
      length += (piece as Buffer).length;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw unreadable(path, cause);
  }
  return length;
}

/**
 * SHA-256 of a file, as 64 lower-case hex digits.
 *
 * @throws DownloadError `ERR_SEMISUP_DOWNLOAD_DISK` where it cannot be read. `signal.reason` after an
 *   abort.
 */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await hashInto(hash, path, signal);
  return hash.digest('hex');
}
