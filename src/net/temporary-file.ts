import { createHash, randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasExited, hostId, ownIdentity } from './process-identity';

/** A writer on another host is taken for dead if its file has not grown for an hour. */
const FOREIGN_LIFETIME = 3_600_000;

/** A path next to `target` that no other writer uses, and whose name says which process writes it. */
export function temporaryPath(target: string): string {
  const { pid, start = 0 } = ownIdentity();
  return `${target}.${pid}-${start}-${hostTag()}-${randomBytes(6).toString('hex')}.tmp`;
}

/** Removes temporary files for `target`, or names that begin with it and a period, whose writers have ended without a chance to do so. Ignores errors. */
export async function removeAbandoned(target: string): Promise<void> {
  const directory = dirname(target);
  const prefix = `${basename(target)}.`;
  for (const name of await readdir(directory).catch(() => [])) {
    if (!name.startsWith(prefix)) continue;
    const path = join(directory, name);
    if (await isAbandoned(name.slice(prefix.length), path)) await rm(path).catch(() => undefined);
  }
}

async function isAbandoned(suffix: string, path: string): Promise<boolean> {
  const [, pid, start, host] =
    /(?:^|\.)(\d+)-(\d+)-([0-9a-f]{8})-[0-9a-f]{12}\.tmp$/.exec(suffix) ?? [];
  if (pid === undefined) return false;
  if (host === hostTag()) {
    const started = start === '0' ? undefined : Number(start);
    return hasExited({ pid: Number(pid), host: hostId(), start: started });
  }
  const stats = await stat(path).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > FOREIGN_LIFETIME;
}

function hostTag(): string {
  return createHash('sha256').update(hostId()).digest('hex').slice(0, 8);
}
