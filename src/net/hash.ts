import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

// Small enough that hashing one piece holds the event loop for less than a millisecond.
const PIECE = 256 * 1024;

/** Adds the whole of a file to `hash`; gives its length. Rejects with `signal.reason` once aborted. */
export async function hashInto(hash: Hash, path: string, signal?: AbortSignal): Promise<number> {
  let length = 0;
  for await (const piece of createReadStream(path, { highWaterMark: PIECE })) {
    signal?.throwIfAborted();
    hash.update(piece as Buffer);
    length += (piece as Buffer).length;
  }
  return length;
}

/** SHA-256 of a file, as 64 lower-case hex digits. Rejects with `signal.reason` once aborted. */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await hashInto(hash, path, signal);
  return hash.digest('hex');
}
