import * as fs from 'node:fs';
import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { guardWrite } from './disk';

// Descriptors instead of FileHandles: Node closes those of a worker when it ends, however it ends.
const open = promisify(fs.open);
const close = promisify(fs.close);
const write = promisify(fs.writeFile);

/** The open files of this process, by descriptor. */
const openFiles = '/proc/self/fd';

/** Who holds a lock. */
export interface LockHolder {
  readonly pid: number;
  /** The host name, and on Linux the PID namespace. */
  readonly host: string;
}

/** The state of a lock file at one time. */
export interface LockSnapshot {
  /** Undefined for a lock that is being created, or whose creator died while creating it. */
  readonly holder?: LockHolder;
  /** Identifies this lock, 16 hex digits. */
  readonly token?: string;
  /** Changes with each heartbeat. */
  readonly state: string;
}

/** A lock that this thread holds. */
export interface HeldLock {
  readonly token: string;
  /** Closes the file, which tells waiters of this process that the lock is abandoned. */
  close(): Promise<void>;
}

/** Creates the lock `path`. Returns undefined if it already exists. */
export async function createLock(path: string, token: string): Promise<HeldLock | undefined> {
  let file: number;
  try {
    file = await open(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    return guardWrite(path, Promise.reject(error as Error));
  }
  try {
    await write(file, JSON.stringify({ pid: process.pid, host: hostId(), token }));
    // On Windows an open file could not be removed and created again.
    if (process.platform !== 'linux') await close(file);
  } catch (error) {
    await close(file).catch(() => undefined);
    // On a full disk an empty file remains, for which every process would wait until it is stale.
    await rm(path, { force: true });
    return guardWrite(path, Promise.reject(error as Error));
  }
  return {
    token,
    close: async () => {
      if (process.platform === 'linux') await close(file);
    },
  };
}

/** Reads the lock `path`; undefined if it does not exist. */
export async function readLock(path: string): Promise<LockSnapshot | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    const { mtimeMs, ino } = await stat(path);
    return { ...parse(text), state: `${ino} ${mtimeMs} ${text}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : { state: `unreadable: ${code}` };
  }
}

/** Whether the holder is a process of this host that has exited. */
export function isDead(holder: LockHolder | undefined): boolean {
  if (holder?.host !== hostId()) return false;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
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

function parse(text: string): Pick<LockSnapshot, 'holder' | 'token'> {
  try {
    const { pid, host, token } = JSON.parse(text) as Record<string, unknown>;
    const valid =
      Number.isSafeInteger(pid) &&
      (pid as number) > 0 &&
      typeof host === 'string' &&
      typeof token === 'string' &&
      /^[0-9a-f]{16}$/.test(token);
    return valid ? { holder: { pid: pid as number, host }, token } : {};
  } catch {
    return {};
  }
}

// Containers may share a host name but not process ids.
function hostId(): string {
  try {
    return `${hostname()} ${fs.readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
