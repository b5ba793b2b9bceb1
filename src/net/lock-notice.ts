import { abbreviate } from '../options';
import type { LockHolder } from './lock-file';

/** Emits the warning `SEMISUP_LOCK`: this process waits for a lock that another one holds. */
export function warnAboutLock(path: string, holder: LockHolder | undefined): void {
  process.emitWarning(
    `Waiting for the lock ${path}, ${describe(holder)}. It is taken over when that process ends or has not refreshed it for 30 seconds.`,
    { code: 'SEMISUP_LOCK' },
  );
}

function describe(holder: LockHolder | undefined): string {
  if (holder === undefined) return 'held by a process that the file does not name';
  const { pid, host, since } = holder;
  // Without the PID namespace that follows the name of the host.
  const name = host.replace(/ pid:\[\d+\]$/, '');
  const time = since === undefined ? '' : ` since ${new Date(since).toISOString()}`;
  return `held by process ${pid} on host ${abbreviate(name)}${time}`;
}
