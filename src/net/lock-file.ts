import { readlinkSync } from 'node:fs';
import { open, readFile, rm, stat, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { guardWrite } from './disk';

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

/** Creates the lock `path`. Returns false if it already exists. */
export async function createLock(path: string, token: string): Promise<boolean> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    return guardWrite(path, Promise.reject(error as Error));
  }
  try {
    await file.writeFile(JSON.stringify({ pid: process.pid, host: hostId(), token }));
    await file.close();
    return true;
  } catch (error) {
    await file.close().catch(() => undefined);
    // On a full disk an empty file remains, for which every process would wait until it is stale.
    await rm(path, { force: true });
    return guardWrite(path, Promise.reject(error as Error));
  }
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
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
