import type { Command } from 'commander';
import type { HubOptions } from '../hub';
import { withProgress } from './progress';

/** The options of commands that fetch weights. */
export interface HubFlags {
  readonly hubDir?: string;
  readonly forceReload?: boolean;
  readonly offline?: boolean;
}

/** Adds the options of commands that fetch weights. */
export function withHubFlags(command: Command): Command {
  return command
    .option('--hub-dir <folder>', "the cache; by default torch.hub's own")
    .option('--force-reload', 'fetch again what the cache holds')
    .option('--offline', 'use the cache alone');
}

/** Runs `work` with the hub's options and a progress bar, which is gone when it ends. */
export function withHub<T>(
  { hubDir, forceReload, offline }: HubFlags,
  work: (options: HubOptions) => Promise<T>,
): Promise<T> {
  return withProgress((onProgress, signal) =>
    work({ hubDir, forceReload, offline, onProgress, signal }),
  );
}
