import { Command } from 'commander';
import { hub } from '../hub';
import { print, printJson } from './terminal';

/** `semisup info MODEL` */
export function infoCommand(): Command {
  return new Command('info')
    .description('show accuracy, size, origin and license of a model')
    .argument('<model>')
    .option('--json', 'print JSON')
    .action((model: string, { json }: { json?: boolean }) => {
      if (json) printJson(hub.info(model));
      else print(hub.help(model));
    });
}
