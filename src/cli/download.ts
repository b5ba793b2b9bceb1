import { Command } from 'commander';
import { hub } from '../hub';
import { withHub, withHubFlags, type HubFlags } from './hub-options';
import { print, printJson } from './terminal';

/** `semisup download MODEL…` */
export function downloadCommand(): Command {
  return withHubFlags(
    new Command('download')
      .description('prepare models for loading: download and build them; print the checkpoints')
      .argument('<model...>')
      .option('--json', 'print JSON'),
  ).action(async (models: string[], { json, ...flags }: HubFlags & { json?: boolean }) => {
    const paths: Record<string, string> = {};
    for (const model of models) {
      const path = await withHub(flags, (options) => hub.download(model, options));
      paths[model] = path;
      if (!json) print(path);
    }
    if (json) printJson(paths);
  });
}
