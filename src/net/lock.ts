import { randomBytes } from 'node:crypto';
import { mkdir, rm, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LockError } from '../errors';
import { guardWrite } from './disk';
import {
  createLock,
  isAbandoned,
  isDead,
  readLock,
  type HeldLock,
  type LockHolder,
  type LockSnapshot,
} from './lock-file';
import { sleep } from './sleep';

export interface LockOptions {
  readonly signal?: AbortSignal;
  /**
   * Called once if another process holds the lock, with the holder, or undefined if the lock file
   * cannot be read.
   */
  readonly onWait?: (holder: LockHolder | undefined) => void;
  /** @internal */
  readonly timing?: LockTiming;
}

interface LockTiming {
  /** How often the holder updates the lock, in milliseconds. */
  readonly heartbeat: number;
  /** How often a waiting process checks it, in milliseconds. */
  readonly poll: number;
  /** How long the lock may go without a heartbeat before it is stale, in milliseconds. */
  readonly stale: number;
}

const defaultTiming: LockTiming = { heartbeat: 2_000, poll: 200, stale: 30_000 };

/**
 * Runs `fn` while holding an inter-process lock, the file `path`. The holder updates its modification
 * time every two seconds. Another process takes the lock over if the holder has sent no heartbeat for
 * 30 seconds, or ran on the same host and has exited. On Linux this includes workers of the same process.
 *
 * The signal passed to `fn` aborts when `options.signal` does, or with a `LockError` if another process
 * took the lock over while this one was suspended.
 *
 * @throws DownloadError `ERR_SEMISUP_DOWNLOAD_DISK` if the file cannot be created. `signal.reason`
 *   after an abort.
 */
export async function withLock<T>(
  path: string,
  fn: (signal: AbortSignal) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const { signal, timing = defaultTiming } = options;
  const lock = await acquire(path, options);
  const { token } = lock;
  const lost = new AbortController();
  const heartbeat = setInterval(() => void beat(path, token, lost), timing.heartbeat);
  heartbeat.unref();
  try {
    return await fn(AbortSignal.any(signal ? [signal, lost.signal] : [lost.signal]));
  } finally {
    clearInterval(heartbeat);
    try {
      if ((await readLock(path))?.token === token)
        await guardWrite(path, rm(path, { force: true }));
    } finally {
      await lock.close();
    }
  }
}

async function acquire(path: string, options: LockOptions): Promise<HeldLock> {
  const { signal, onWait, timing = defaultTiming } = options;
  const token = randomBytes(8).toString('hex');
  await guardWrite(path, mkdir(dirname(path), { recursive: true }));
  let previous: LockSnapshot | undefined;
  let unchangedPolls = 0;
  for (;;) {
    signal?.throwIfAborted();
    const lock = await createLock(path, token);
    if (lock) return lock;
    const snapshot = await readLock(path);
    if (snapshot === undefined) continue;
    if (previous === undefined) onWait?.(snapshot.holder);
    // Count polls instead of comparing times: the clocks of two hosts may differ, and a suspended waiter must
    // not count the time that it slept.
    unchangedPolls = snapshot.state === previous?.state ? unchangedPolls + 1 : 0;
    previous = snapshot;
    const isStale =
      isDead(snapshot.holder) ||
      unchangedPolls * timing.poll >= timing.stale ||
      (await isAbandoned(path, snapshot.holder));
    if (isStale) {
      await takeOver(path, snapshot, options);
    } else {
      await sleep(timing.poll, signal);
    }
  }
}

/**
 * Removes a stale lock. Several processes may find it stale, and one could remove the new lock that
 * another has since created in its place. A second lock, named after the stale one's token, serializes
 * them, and each checks that the lock is unchanged.
 */
async function takeOver(path: string, stale: LockSnapshot, { signal, timing }: LockOptions) {
  const removeIfUnchanged = async () => {
    const snapshot = await readLock(path);
    if (snapshot?.state === stale.state) await guardWrite(path, rm(path, { force: true }));
  };
  await withLock(`${path}.${stale.token ?? 'unreadable'}`, removeIfUnchanged, { signal, timing });
}

async function beat(path: string, token: string, lost: AbortController): Promise<void> {
  const snapshot = await readLock(path);
  if (snapshot?.token === token) {
    const now = new Date();
    await utimes(path, now, now).catch(() => undefined);
  } else if (snapshot?.token !== undefined) {
    lost.abort(
      new LockError('ERR_SEMISUP_LOCK_LOST', {
        what: `The lock ${path} was lost: another process took it over, because this process missed its heartbeats.`,
        remedy: 'Try again. Files that the other process has downloaded are reused.',
        value: path,
      }),
    );
  }
}
