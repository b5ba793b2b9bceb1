import { randomBytes } from 'node:crypto';
import { mkdir, rm, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DownloadError, LockError } from '../errors';
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
import { warnAboutLock } from './lock-notice';
import { sleep } from './sleep';

export interface LockOptions {
  readonly signal?: AbortSignal;
  /**
   * Called once if another process holds the lock for two seconds, with the holder, or undefined if the lock
   * file does not name it; by default emits the warning `SEMISUP_LOCK`.
   */
  readonly onWait?: (holder: LockHolder | undefined) => void;
  /** Converts the error of a lock that cannot be created, if what it protects is no download. */
  readonly toError?: (error: DownloadError) => Error;
  /** @internal */
  readonly timing?: LockTiming;
}

/** All in milliseconds. */
interface LockTiming {
  /** How often the holder updates the lock. */
  readonly heartbeat: number;
  /** How often a waiting process checks it. */
  readonly poll: number;
  /** How long the lock may go without a heartbeat before it is stale. */
  readonly stale: number;
  /** How long a lock whose last heartbeat is already older than `stale` is watched before it is taken over. */
  readonly confirm: number;
  /** How long a process waits before it says so. */
  readonly notice: number;
}

const defaultTiming: LockTiming = {
  heartbeat: 2_000,
  poll: 200,
  stale: 30_000,
  confirm: 5_000,
  notice: 2_000,
};

/**
 * Runs `fn` while holding an inter-process lock, the file `path`. The holder updates its modification
 * time every two seconds. Another process takes the lock over if the holder has sent no heartbeat for
 * 30 seconds, or ran on the same host and has exited. On Linux this includes workers of the same process.
 *
 * The signal passed to `fn` aborts when `options.signal` does, or with a `LockError` if another process
 * took the lock over while this one was suspended.
 *
 * @throws DownloadError `ERR_SEMISUP_DOWNLOAD_DISK` if the file cannot be created, or a directory or a
 *   symbolic link has its name, unless `options.toError` converts it. `signal.reason` after an abort.
 */
export async function withLock<T>(
  path: string,
  fn: (signal: AbortSignal) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const lock = await acquire(path, options).catch((error: unknown) => {
    throw error instanceof DownloadError && options.toError ? options.toError(error) : error;
  });
  return await runLocked(path, lock, fn, options);
}

/**
 * Like `withLock`, but does not wait: returns false, without having run `fn`, if a process that may be alive holds the
 * lock.
 */
export async function withFreeLock(path: string, fn: () => Promise<void>): Promise<boolean> {
  const lock = await acquireFree(path);
  if (!lock) return false;
  await runLocked(path, lock, fn, {});
  return true;
}

async function tryCreate(path: string): Promise<HeldLock | undefined> {
  return await createLock(path, randomBytes(8).toString('hex'));
}

async function acquireFree(path: string): Promise<HeldLock | undefined> {
  const snapshot = await readLock(path);
  if (snapshot === undefined) return await tryCreate(path);
  if (snapshot.obstacle !== undefined) return undefined;
  // A process that was killed while it created the lock has left an empty file.
  const isEmpty = snapshot.holder === undefined && looksOld(snapshot, defaultTiming.stale);
  if (!isEmpty && !isDead(snapshot.holder)) return undefined;
  await takeOver(path, snapshot, {});
  return await tryCreate(path);
}

async function runLocked<T>(
  path: string,
  lock: HeldLock,
  fn: (signal: AbortSignal) => Promise<T>,
  { signal, timing = defaultTiming }: LockOptions,
): Promise<T> {
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
  await guardWrite(path, mkdir(dirname(path), { recursive: true, mode: 0o775 }));
  const start = performance.now();
  let previous: LockSnapshot | undefined;
  let unchangedPolls = 0;
  let notified = false;
  for (;;) {
    signal?.throwIfAborted();
    const snapshot = await readLock(path);
    if (snapshot === undefined) {
      const lock = await tryCreate(path);
      if (lock) return lock;
      // Created or released meanwhile. The pause is for network file systems, whose caches may go on denying that it exists.
      await sleep(1, signal);
      continue;
    }
    if (snapshot.obstacle !== undefined) throw obstacleError(path, snapshot.obstacle);
    // Count polls instead of comparing times: the clocks of two hosts may differ, and a suspended waiter must
    // not count the time that it slept.
    unchangedPolls = snapshot.state === previous?.state ? unchangedPolls + 1 : 0;
    previous = snapshot;
    const isStale =
      isDead(snapshot.holder) ||
      unchangedPolls * timing.poll >= requiredSilence(snapshot, timing) ||
      (await isAbandoned(path, snapshot.holder));
    if (isStale) {
      await takeOver(path, snapshot, options);
      continue;
    }
    if (!notified && performance.now() - start >= timing.notice) {
      notified = true;
      if (onWait) onWait(snapshot.holder);
      else warnAboutLock(path, snapshot.holder);
    }
    await sleep(timing.poll, signal);
  }
}

/**
 * How long a lock must be seen without a heartbeat to be stale. If the file's time says that it is long stale, a
 * few heartbeats decide: when the machine resumes after a sleep, the lock of a live process looks old too, until
 * its next heartbeat.
 */
function requiredSilence(snapshot: LockSnapshot, { stale, confirm }: LockTiming): number {
  return looksOld(snapshot, stale) ? Math.min(confirm, stale) : stale;
}

function looksOld({ modified }: LockSnapshot, age: number): boolean {
  return modified !== undefined && Date.now() - modified > age;
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

function obstacleError(path: string, obstacle: string): DownloadError {
  return new DownloadError('ERR_SEMISUP_DOWNLOAD_DISK', {
    what: `${path} could not be written: it is ${obstacle} instead of a lock file.`,
    remedy: 'Remove it.',
    value: path,
  });
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
        remedy: 'Try again. What the other process has finished is reused.',
        value: path,
      }),
    );
  }
}
