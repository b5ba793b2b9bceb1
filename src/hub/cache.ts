import { chmod, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { homeDirectory } from '../home';
import type { ModelCard } from '../models';
import { guardWrite } from '../net/disk';
import { environment } from './environment';

/** Part of a cached file's name. Change it when the conversion changes, so that old files are not used. */
const buildVersion = 'build5';

/**
 * The directory of Python's `torch.hub`, so that both share their downloads: `hubDir` if given,
 * else `$TORCH_HOME/hub`, else `$XDG_CACHE_HOME/torch/hub`, else `~/.cache/torch/hub`. As in torch.hub
 * a leading `~` is the home directory; unlike there an empty variable counts as unset.
 */
export function hubDirectory(hubDir?: string): string {
  if (hubDir !== undefined) return resolve(expandHome(hubDir));
  const cache = environment('XDG_CACHE_HOME') ?? '~/.cache';
  const torchHome = environment('TORCH_HOME') ?? join(cache, 'torch');
  return resolve(expandHome(torchHome), 'hub');
}

/** The directory of the checkpoints. */
export function checkpointsDirectory(hubDir?: string): string {
  return join(hubDirectory(hubDir), 'checkpoints');
}

/** The path of a file that is made of a model's checkpoint, next to it. */
export function modelFile(
  { name, origin }: ModelCard,
  hubDir: string | undefined,
  extension: string,
): string {
  const hash = origin.kind === 'file' ? origin.sha256Prefix : origin.sha256.slice(0, 8);
  return join(checkpointsDirectory(hubDir), `${name}-${hash}.${buildVersion}.${extension}`);
}

/** With a umask of 0, native code lets all users write a file, which therefore would not be used. */
export async function protectFile(path: string): Promise<void> {
  const { mode } = await guardWrite(path, stat(path));
  if ((mode & 0o002) !== 0) await guardWrite(path, chmod(path, mode & 0o775));
}

function expandHome(path: string): string {
  return /^~($|[/\\])/.test(path) ? join(homeDirectory(), path.slice(1)) : path;
}
