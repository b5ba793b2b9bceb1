import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, as far as processes of the same host or another one can recognize it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** The host name, and on Linux the PID namespace. */
  readonly host: string;
  /** On Linux when it started, in clock ticks since the system was started: process ids are reused. */
  readonly start?: number;
}

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, host: hostId(), start: startOf(process.pid) };
}

/** Whether it was a process of this host that has exited. Always false for other hosts. */
export function hasExited({ pid, host, start }: ProcessIdentity): boolean {
  if (host !== hostId()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
  }
  const current = startOf(pid);
  return start !== undefined && current !== undefined && start !== current;
}

// Containers may share a host name but not process ids.
export function hostId(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

/** Undefined where the system does not say, and for a process that has exited. */
function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the command in parentheses, may contain spaces and parentheses.
    const start = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    return Number.isSafeInteger(start) ? start : undefined;
  } catch {
    return undefined;
  }
}
