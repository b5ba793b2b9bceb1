import type { Command } from 'commander';
import type { HubOptions } from '../hub';
import { withProgress } from './progress';

/** The options of commands that download weights. */
export interface HubFlags {
  readonly hubDir?: string;
  readonly forceReload?: boolean;
  readonly offline?: boolean;
}

/** Adds the options of commands that download weights. */
export function withHubFlags(command: Command): Command {
  return command
    .option('--hub-dir <directory>', 'cache directory; that of torch.hub by default')
    .option('--force-reload', 'download even if cached')
    .option('--offline', 'use only the cache');
}

/** Runs `task` with the hub's options and a progress bar. */
export function withHub<T>(
  { hubDir, forceReload, offline }: HubFlags,
  task: (options: HubOptions) => Promise<T>,
): Promise<T> {
  return withProgress((onProgress, signal) =>
    task({ hubDir, forceReload, offline, onProgress, signal }),
  );
}
