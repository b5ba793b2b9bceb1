import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { pinnedVersion, type Variant } from './pins';

/**
 * The folder of this package in the user's cache: `$XDG_CACHE_HOME/semisup` (default
 * `~/.cache/semisup`), on macOS `~/Library/Caches/semisup`, on Windows `%LOCALAPPDATA%\semisup`.
 */
export function userCache(
  env: NodeJS.ProcessEnv = process.env,
  platform: string = process.platform,
): string {
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) {
    return join(env.XDG_CACHE_HOME, 'semisup');
  }
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'semisup');
  if (platform === 'win32') {
    return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'semisup');
  }
  return join(homedir(), '.cache', 'semisup');
}

/** Where `installLibTorch` puts a build: `<user cache>/libtorch/<version>-<variant>`. */
export function installFolder(variant: Variant, env?: NodeJS.ProcessEnv): string {
  return join(userCache(env), 'libtorch', `${pinnedVersion}-${variant}`);
}
