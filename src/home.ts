import { accessSync, constants, existsSync, lstatSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { DownloadError } from './errors';
import { deniedReason } from './permission';

let warned = false;

/**
 * The home directory, in which the caches are. Containers often run as a user who has none, or one that is
 * not writable (`HOME=/`): then a private directory in the temporary directory, with a warning.
 *
 * @throws DownloadError if neither can be used
 */
export function homeDirectory(): string {
  const home = findHome();
  if (home !== undefined && canHoldCaches(home)) return home;
  const temporary = privateDirectory();
  if (!warned) {
    warned = true;
    process.emitWarning(
      `${home === undefined ? 'The user has no home directory' : `The home directory ${home} is not writable`}, so downloads and builds are kept in ${temporary}, which may be emptied at any time. Set XDG_CACHE_HOME and TORCH_HOME to writable directories.`,
      { code: 'SEMISUP_NO_HOME' },
    );
  }
  return temporary;
}

function findHome(): string | undefined {
  try {
    return homedir();
  } catch {
    // The user has no entry in the password database, and HOME is not set.
    return undefined;
  }
}

/** A read-only cache that exists may still serve what was downloaded into it. */
function canHoldCaches(home: string): boolean {
  try {
    if (['.cache', 'Library', 'AppData'].some((name) => existsSync(join(home, name)))) return true;
    accessSync(home, constants.W_OK);
    return true;
  } catch (error) {
    // Node's permission model may still allow the caches themselves.
    return deniedReason(error) !== undefined;
  }
}

/** Libraries are loaded from the cache: no other user may have created or be able to write the directory. */
function privateDirectory(): string {
  const uid = process.getuid?.();
  const path = join(tmpdir(), `semisup-${uid ?? userInfo().username}`);
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const stats = lstatSync(path);
    const isPrivate = uid === undefined || (stats.uid === uid && (stats.mode & 0o022) === 0);
    if (!stats.isDirectory() || !isPrivate) throw new Error('it belongs to another user');
    return path;
  } catch (cause) {
    throw new DownloadError('ERR_SEMISUP_DOWNLOAD_DISK', {
      what: `The user has no writable home directory, and ${path} cannot be used: ${(cause as Error).message}.`,
      remedy: 'Set XDG_CACHE_HOME and TORCH_HOME to writable directories.',
      value: path,
      cause,
    });
  }
}
