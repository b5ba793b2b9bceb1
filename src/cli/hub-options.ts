import type { Command } from 'commander';
import type { HubOptions } from '../hub';
import { Progress } from './terminal';

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
export async function withHub<T>(
  { hubDir, forceReload, offline }: HubFlags,
  work: (options: HubOptions) => Promise<T>,
): Promise<T> {
  const progress = new Progress();
  try {
    return await work({
      hubDir,
      forceReload,
      offline,
      onProgress: (event) => {
        progress.show(`${event.phase} ${event.file}`, event);
      },
    });
  } finally {
    progress.stop();
  }
}
