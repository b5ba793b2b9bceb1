import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { CacheError } from '../errors';
import { isPrivateGroup } from './private-group';
import { isOutsideNamespace } from './user-namespace';

/** As many as Linux follows. */
const MAX_LINKS = 40;

/** Why a file or directory is not safe from other users. */
interface Hazard {
  readonly path: string;
  /** As in "<path> is writable by all users". */
  readonly reason: string;
  readonly remedy: string;
}

/**
 * Throws if a user other than this one and root could have written `path`, or could replace it while it is used: it
 * and all directories and links that lead to it must belong to this user or root, and others must not be
 * able to write them. Directories in which only the owner of a file can rename it (sticky, like `/tmp`) are safe.
 *
 * What does not exist is safe. Does nothing on Windows, and if `SEMISUP_TRUST_CACHE` is set.
 *
 * @throws CacheError `ERR_SEMISUP_CACHE_UNSAFE`
 */
export function checkTrusted(path: string): void {
  if (!isChecked()) return;
  const hazard = findHazard(resolve(path));
  if (hazard) throw unsafeError(path, hazard);
}

/** The same for a directory and what is directly in it. */
export function checkTrustedDirectory(path: string): void {
  if (!isChecked()) return;
  checkTrusted(path);
  for (const name of namesIn(path)) {
    const entry = join(path, name);
    const stats = statsOf(entry);
    if (stats === 'missing' || stats === 'denied') continue;
    const hazard = stats.isSymbolicLink() ? findHazard(entry) : judge(entry, stats, true);
    if (hazard) throw unsafeError(entry, hazard);
  }
}

/** None if the directory cannot be read, which fails when it is used. */
function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function isChecked(): boolean {
  return (
    process.geteuid !== undefined &&
    ['', '0', 'false'].includes(process.env.SEMISUP_TRUST_CACHE ?? '')
  );
}

/** Walks from the root as the system does, following links. */
function findHazard(path: string): Hazard | undefined {
  const pending = partsOf(path);
  let current = '/';
  let links = 0;
  let hazard = judgePath(current);
  while (hazard === undefined && pending.length > 0) {
    const name = pending.shift()!;
    const next = name === '..' ? dirname(current) : join(current, name);
    const stats = statsOf(next);
    if (stats === 'missing') return undefined;
    if (stats === 'denied') {
      current = next;
      continue;
    }
    hazard = judge(next, stats, pending.length === 0);
    if (!stats.isSymbolicLink()) {
      current = next;
      continue;
    }
    if (++links > MAX_LINKS) return undefined;
    const target = readlinkSync(next);
    if (isAbsolute(target)) current = '/';
    pending.unshift(...partsOf(target));
  }
  return hazard;
}

function judgePath(path: string): Hazard | undefined {
  const stats = statsOf(path);
  return typeof stats === 'string' ? undefined : judge(path, stats, false);
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** `denied`: by Node's permission model, under which the directories above the cache may not be read. */
function statsOf(path: string): Stats | 'missing' | 'denied' {
  try {
    return lstatSync(path);
  } catch (error) {
    const isDenied = (error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED';
    return isDenied ? 'denied' : 'missing';
  }
}

/** @param isLast whether it is the file or directory itself, not one on the way to it */
function judge(path: string, stats: Stats, isLast: boolean): Hazard | undefined {
  const { uid, gid, mode } = stats;
  const own = process.geteuid!();
  const isTrustedOwner = uid === 0 || uid === own || (!isLast && isOutsideNamespace(uid));
  if (!isTrustedOwner) {
    return {
      path,
      reason: `belongs to user ${uid}, who is neither root nor user ${own}, the one that runs this process`,
      remedy: `To use it, make it yours, as root and after a look at what it contains: chown -R ${own} ${quote(path)}`,
    };
  }
  // The permissions of a link have no effect.
  if (stats.isSymbolicLink()) return undefined;
  const octal = (mode & 0o7777).toString(8);
  const isSticky = stats.isDirectory() && (mode & 0o1000) !== 0;
  if ((mode & 0o002) !== 0 && !isSticky) {
    return {
      path,
      reason: `is writable by all users (mode ${octal})`,
      remedy: `Run: chmod o-w ${quote(path)}`,
    };
  }
  if ((mode & 0o020) !== 0 && !isSticky && !isPrivateGroup(gid)) {
    return {
      path,
      reason: `is writable by group ${gid}, which other users may belong to (mode ${octal})`,
      remedy: `Run: chmod g-w ${quote(path)}`,
    };
  }
  return undefined;
}

function unsafeError(path: string, { path: culprit, reason, remedy }: Hazard): CacheError {
  const where = culprit === path ? '' : `'${abbreviate(culprit)}' `;
  return new CacheError('ERR_SEMISUP_CACHE_UNSAFE', {
    what: `The cache '${abbreviate(path)}' is not used, because ${where || 'it '}${reason}: what it contains may be executed.`,
    remedy: `${remedy}. Or choose another cache (XDG_CACHE_HOME, TORCH_HOME, hubDir). Where all users are trusted, as in a container with one user, set SEMISUP_TRUST_CACHE=1.`,
    value: culprit,
  });
}

/** As one word of a shell. */
function quote(path: string): string {
  return `'${abbreviate(path).replaceAll("'", String.raw`'\''`)}'`;
}

function abbreviate(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}
