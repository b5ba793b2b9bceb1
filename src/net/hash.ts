import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readError } from './disk';

// Small enough that hashing one chunk blocks the event loop for less than a millisecond.
const CHUNK_SIZE = 256 * 1024;

/**
 * Updates `hash` with the content of a file, and returns its length in bytes.
 *
 * @throws DownloadError `ERR_SEMISUP_DOWNLOAD_DISK` if it cannot be read. `signal.reason` after an
 *   abort.
 */
export async function updateHashFromFile(
  hash: Hash,
  path: string,
  signal?: AbortSignal,
): Promise<number> {
  let length = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_SIZE })) {
      signal?.throwIfAborted();
      hash.update(chunk as Buffer);
      length += (chunk as Buffer).length;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw readError(path, cause);
  }
  return length;
}

/**
 * SHA-256 of a file, as 64 lower-case hex digits.
 *
 * @throws DownloadError `ERR_SEMISUP_DOWNLOAD_DISK` if it cannot be read. `signal.reason` after an
 *   abort.
 */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await updateHashFromFile(hash, path, signal);
  return hash.digest('hex');
}
