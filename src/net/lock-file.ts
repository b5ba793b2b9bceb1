import * as fs from 'node:fs';
import { link, lstat, readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { guardWrite } from './disk';
import { temporaryPath } from './temporary-file';
import { hasExited, hostId, ownIdentity, type ProcessIdentity } from './process-identity';

// Descriptors instead of FileHandles: Node closes those of a worker when it ends, however it ends.
const open = promisify(fs.open);
const close = promisify(fs.close);
const write = promisify(fs.writeFile);

/** The open files of this process, by descriptor. */
const openFiles = '/proc/self/fd';

/** Far more than a lock contains. */
const MAX_LOCK_BYTES = 4096;

/** Who holds a lock. */
export interface LockHolder extends ProcessIdentity {
  /** When the lock was created, by the holder's clock, in ISO 8601. */
  readonly since?: string;
}

/** The state of a lock file at one time. */
export interface LockSnapshot {
  /** Undefined for a lock that is being created, or whose creator died while creating it. */
  readonly holder?: LockHolder;
  /** Identifies this lock, 16 hex digits. */
  readonly token?: string;
  /** Changes with each heartbeat. */
  readonly state: string;
  /** The time of the last heartbeat, in milliseconds since the epoch; undefined if the file cannot be read. */
  readonly modified?: number;
  /** What has the lock's name although it is not a file, e.g. `a directory`. */
  readonly obstacle?: string;
}

/** A lock that this thread holds. */
export interface HeldLock {
  readonly token: string;
  /** Closes the file, which tells waiters of this process that the lock is abandoned. */
  close(): Promise<void>;
}

/** The system's codes for a file system without hard links. */
const noLinks = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ERR_ACCESS_DENIED'];

/**
 * Creates the lock `path`, with its content at once if the file system has hard links: a process that is killed
 * between two steps would leave an empty file, for which every process would wait until it is stale. Returns
 * undefined if it already exists.
 */
export async function createLock(path: string, token: string): Promise<HeldLock | undefined> {
  const temporary = temporaryPath(path);
  const lock = await createFile(temporary, token, path);
  let isCreated = false;
  try {
    await link(temporary, path);
    isCreated = true;
    return lock;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return undefined;
    if (!noLinks.includes(code!)) return await guardWrite(path, Promise.reject(error as Error));
  } finally {
    if (!isCreated) await lock!.close();
    await rm(temporary, { force: true });
  }
  return await createFile(path, token, path);
}

/** Creates a lock file in two steps. Returns undefined if it exists. */
async function createFile(
  file: string,
  token: string,
  path: string,
): Promise<HeldLock | undefined> {
  let descriptor: number;
  try {
    descriptor = await open(file, 'wx', 0o664);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    return guardWrite(path, Promise.reject(error as Error));
  }
  try {
    const since = new Date().toISOString();
    await write(descriptor, JSON.stringify({ ...ownIdentity(), since, token }));
    // On Windows an open file could not be removed and created again.
    if (process.platform !== 'linux') await close(descriptor);
  } catch (error) {
    await close(descriptor).catch(() => undefined);
    await rm(file, { force: true });
    return guardWrite(path, Promise.reject(error as Error));
  }
  return {
    token,
    close: async () => {
      if (process.platform === 'linux') await close(descriptor);
    },
  };
}

/** Reads the lock `path`; undefined if it does not exist. */
export async function readLock(path: string): Promise<LockSnapshot | undefined> {
  try {
    const stats = await lstat(path);
    const { mtimeMs, ino, size } = stats;
    // Not opened: a link that leads nowhere looks like a missing lock, and a FIFO blocks a thread forever.
    const obstacle = obstacleOf(stats);
    if (obstacle !== undefined) return { obstacle, state: `${obstacle} ${ino} ${mtimeMs}` };
    const text = size > MAX_LOCK_BYTES ? '' : await readFile(path, 'utf8');
    return { ...parse(text), modified: mtimeMs, state: `${ino} ${mtimeMs} ${text}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : { state: `unreadable: ${code}` };
  }
}

/** Whether the holder is a process of this host that has exited. */
export function isDead(holder: LockHolder | undefined): boolean {
  return holder !== undefined && hasExited(holder);
}

/**
 * Whether the holder of the lock `path` was a worker of this process that has ended: no thread has the file
 * open. Always false where the system does not list open files.
 */
export async function isAbandoned(path: string, holder: LockHolder | undefined): Promise<boolean> {
  if (holder?.pid !== process.pid || holder.host !== hostId()) return false;
  try {
    const lock = await stat(path);
    for (const descriptor of await readdir(openFiles)) {
      const file = await stat(join(openFiles, descriptor)).catch(() => undefined);
      if (file?.ino === lock.ino && file.dev === lock.dev) return false;
    }
    return true;
  } catch {
    return false;
  }
}

function obstacleOf(stats: fs.Stats): string | undefined {
  if (stats.isFile()) return undefined;
  if (stats.isSymbolicLink()) return 'a symbolic link';
  return stats.isDirectory() ? 'a directory' : 'not a regular file';
}

function parse(text: string): Pick<LockSnapshot, 'holder' | 'token'> {
  try {
    const { pid, host, start, since, token } = JSON.parse(text) as Record<string, unknown>;
    const valid =
      Number.isSafeInteger(pid) &&
      (pid as number) > 0 &&
      typeof host === 'string' &&
      typeof token === 'string' &&
      /^[0-9a-f]{16}$/.test(token);
    if (!valid) return {};
    const holder: LockHolder = {
      pid: pid as number,
      host,
      ...(Number.isSafeInteger(start) && { start: start as number }),
      ...(typeof since === 'string' && !Number.isNaN(Date.parse(since)) && { since }),
    };
    return { holder, token };
  } catch {
    return {};
  }
}
