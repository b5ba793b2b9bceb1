import { readlinkSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { writing } from './disk';

/** Who holds a lock. */
export interface LockHolder {
  readonly pid: number;
  /** The machine, and on Linux the PID namespace in it. */
  readonly host: string;
}

/** What is to be seen of a lock. */
export interface Sight {
  /** Undefined for a lock made this very moment, or whose maker died while making it. */
  readonly holder?: LockHolder;
  /** Tells this lock from all others, 16 hex digits. */
  readonly token?: string;
  /** Differs after each sign of life. */
  readonly state: string;
}

/** Makes the lock `path`, unless there is one. */
export async function createLock(path: string, token: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    try {
      await file.writeFile(JSON.stringify({ pid: process.pid, host: machine(), token }));
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    return writing(path, Promise.reject(error as Error));
  }
}

/** Looks at the lock `path`; undefined where there is none. */
export async function lookAtLock(path: string): Promise<Sight | undefined> {
  try {
    const text = await readFile(path, 'utf8');
    const { mtimeMs, ino } = await stat(path);
    return { ...parse(text), state: `${ino} ${mtimeMs} ${text}` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : { state: `unreadable: ${code}` };
  }
}

/** Whether the holder is a process of this machine that has ended. */
export function isDead(holder: LockHolder | undefined): boolean {
  if (holder?.host !== machine()) return false;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function parse(text: string): Pick<Sight, 'holder' | 'token'> {
  try {
    const { pid, host, token } = JSON.parse(text) as Record<string, unknown>;
    const readable =
      Number.isSafeInteger(pid) &&
      (pid as number) > 0 &&
      typeof host === 'string' &&
      typeof token === 'string' &&
      /^[0-9a-f]{16}$/.test(token);
    return readable ? { holder: { pid: pid as number, host }, token } : {};
  } catch {
    return {};
  }
}

// Containers may share the name of the host and not its processes.
function machine(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
