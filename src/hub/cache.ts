import { join, resolve } from 'node:path';
import { homeDirectory } from '../home';
import { environment } from './environment';

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

function expandHome(path: string): string {
  return /^~($|[/\\])/.test(path) ? join(homeDirectory(), path.slice(1)) : path;
}
