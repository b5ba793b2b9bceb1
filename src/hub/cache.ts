import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { environment } from './environment';

/**
 * The folder of Python's `torch.hub`, so that what either fetches serves both: `hubDir` where given,
 * else `$TORCH_HOME/hub`, else `$XDG_CACHE_HOME/torch/hub`, else `~/.cache/torch/hub`. As in torch.hub
 * a leading `~` is the home folder; unlike there a variable set to nothing counts as not set.
 */
export function hubFolder(hubDir?: string): string {
  if (hubDir !== undefined) return resolve(expandHome(hubDir));
  const cache = environment('XDG_CACHE_HOME') ?? '~/.cache';
  const torchHome = environment('TORCH_HOME') ?? join(cache, 'torch');
  return resolve(expandHome(torchHome), 'hub');
}

/** Where in it the checkpoints lie. */
export function checkpointsFolder(hubDir?: string): string {
  return join(hubFolder(hubDir), 'checkpoints');
}

function expandHome(path: string): string {
  return path.replace(/^~(?=$|[/\\])/, homedir());
}
