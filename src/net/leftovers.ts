import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isDead, readLock } from './lock-file';
import { withFreeLock } from './lock';
import { removeAbandoned } from './temporary-file';

/**
 * Removes what processes left next to the lock `lock` that were killed while they held it: the lock itself, and the
 * files and directories for which `isLeftover` is true. Does nothing while a live process holds the lock, and
 * ignores errors: the cache may be read-only.
 */
export async function removeLeftovers(
  lock: string,
  isLeftover: (name: string) => boolean,
): Promise<void> {
  try {
    const names = await readdir(dirname(lock));
    const prefix = basename(lock);
    if (!names.some((name) => name.startsWith(prefix) || isLeftover(name))) return;
    await withFreeLock(lock, () => removeLeftoversLocked(lock, isLeftover));
  } catch {
    // They are in nobody's way.
  }
}

/** The same for the holder of the lock; keeps the lock. */
export async function removeLeftoversLocked(
  lock: string,
  isLeftover: (name: string) => boolean,
): Promise<void> {
  await removeAbandoned(lock);
  const directory = dirname(lock);
  const takeover = `${basename(lock)}.`;
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name);
    // A process that waits for the lock creates files next to it, which `isLeftover` may be true for, too.
    const isRemovable = name.startsWith(takeover)
      ? isDead((await readLock(path))?.holder)
      : isLeftover(name);
    if (!isRemovable) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}
