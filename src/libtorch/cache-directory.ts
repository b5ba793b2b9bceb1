import { isAbsolute, join } from 'node:path';
import { homeDirectory } from '../home';
import { pinnedVersion, type Variant } from './pins';

/**
 * This package's directory in the user's cache: `$XDG_CACHE_HOME/semisup` (default
 * `~/.cache/semisup`), on macOS `~/Library/Caches/semisup`, on Windows `%LOCALAPPDATA%\semisup`. See
 * `homeDirectory` for users without a home directory.
 */
export function userCache(platform: string = process.platform): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  // The XDG Base Directory Specification requires relative paths to be ignored.
  if (XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME)) return join(XDG_CACHE_HOME, 'semisup');
  if (platform === 'darwin') return join(homeDirectory(), 'Library', 'Caches', 'semisup');
  if (platform === 'win32') {
    return join(LOCALAPPDATA ?? join(homeDirectory(), 'AppData', 'Local'), 'semisup');
  }
  return join(homeDirectory(), '.cache', 'semisup');
}

/** The directory that `installLibTorch` installs a build to: `<user cache>/libtorch/<version>-<variant>`. */
export function installDirectory(variant: Variant): string {
  return join(userCache(), 'libtorch', `${pinnedVersion}-${variant}`);
}
