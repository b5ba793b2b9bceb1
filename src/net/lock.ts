import { randomBytes } from 'node:crypto';
import { mkdir, rm, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LockError } from '../errors';
import { writing } from './disk';
import { createLock, isDead, lookAtLock, type LockHolder, type Sight } from './lock-file';
import { pause } from './pause';

export interface LockOptions {
  readonly signal?: AbortSignal;
  /** Called once if another holds the lock, with who that is where it can be read. */
  readonly onWait?: (holder: LockHolder | undefined) => void;
  /** @internal Milliseconds. */
  readonly timing?: LockTiming;
}

interface LockTiming {
  /** Between two signs of life of the holder. */
  readonly beat: number;
  /** Between two looks of one who waits. */
  readonly poll: number;
  /** Without a sign of life after which the holder counts as dead. */
  readonly stale: number;
}

const defaultTiming: LockTiming = { beat: 2_000, poll: 200, stale: 30_000 };

/**
 * Runs `fn` while this process alone, among all that ask for the lock `path`, may. The lock is a file
 * that its holder touches every two seconds. It is taken over when its holder is a dead process of
 * this machine, or has given no sign of life for 30 seconds.
 *
 * The signal that `fn` gets is aborted with `options.signal`, and with a `LockError` when the lock was
 * lost: when this process was stopped for so long that another took it over.
 *
 * @throws DownloadError `ERR_SEMISUP_DOWNLOAD_DISK` where the file cannot be made. `signal.reason`
 *   after an abort.
 */
export async function withLock<T>(
  path: string,
  fn: (signal: AbortSignal) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const { signal, timing = defaultTiming } = options;
  const token = await acquire(path, options);
  const lost = new AbortController();
  const heart = setInterval(() => void beat(path, token, lost), timing.beat);
  heart.unref();
  try {
    return await fn(AbortSignal.any(signal ? [signal, lost.signal] : [lost.signal]));
  } finally {
    clearInterval(heart);
    if ((await lookAtLock(path))?.token === token) await writing(path, rm(path, { force: true }));
  }
}

async function acquire(path: string, options: LockOptions): Promise<string> {
  const { signal, onWait, timing = defaultTiming } = options;
  const token = randomBytes(8).toString('hex');
  await writing(path, mkdir(dirname(path), { recursive: true }));
  let last: Sight | undefined;
  let unchanged = 0;
  for (;;) {
    signal?.throwIfAborted();
    if (await createLock(path, token)) return token;
    const sight = await lookAtLock(path);
    if (sight === undefined) continue;
    if (last === undefined) onWait?.(sight.holder);
    // Looks are counted, and no clocks compared: those of two machines differ, and a laptop sleeps.
    unchanged = sight.state === last?.state ? unchanged + 1 : 0;
    last = sight;
    if (isDead(sight.holder) || unchanged * timing.poll >= timing.stale) {
      await takeOver(path, sight, options);
    } else {
      await pause(timing.poll, signal);
    }
  }
}

/**
 * Removes a stale lock. Of several who see it as stale, one at a time may, under a lock named after
 * this very one: so that none removes the fresh lock that another has already put in its place.
 */
async function takeOver(path: string, stale: Sight, { signal, timing }: LockOptions) {
  const removeIfUnchanged = async () => {
    const sight = await lookAtLock(path);
    if (sight?.state === stale.state) await writing(path, rm(path, { force: true }));
  };
  await withLock(`${path}.${stale.token ?? 'unreadable'}`, removeIfUnchanged, { signal, timing });
}

async function beat(path: string, token: string, lost: AbortController): Promise<void> {
  const sight = await lookAtLock(path);
  if (sight?.token === token) {
    const now = new Date();
    await utimes(path, now, now).catch(() => undefined);
  } else if (sight?.token !== undefined) {
    lost.abort(
      new LockError('ERR_SEMISUP_LOCKED', {
        what: `The lock ${path} was taken over by another process, because this one gave no sign of life.`,
        remedy: 'Try again: what the other has fetched by then is used.',
        value: path,
      }),
    );
  }
}
