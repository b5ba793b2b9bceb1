import { Command, InvalidArgumentError } from 'commander';
import { hub } from '../hub';
import { withHub, withHubFlags, type HubFlags } from './hub-options';
import { print, printJson } from './terminal';

interface ExportFlags extends HubFlags {
  readonly output?: string;
  readonly numClasses?: number;
  readonly weights?: string;
  readonly json?: boolean;
}

/** `semisup export MODEL` */
export function exportCommand(): Command {
  return withHubFlags(
    new Command('export')
      .description('write a model as a TorchScript file, which any LibTorch and Python load')
      .argument('<model>')
      .option('-o, --output <file>', 'by default <model>.pt')
      .option('--num-classes <count>', 'with a fresh last layer of so many classes', positive)
      .option('--weights <checkpoint>', 'a checkpoint of your own')
      .option('--json', 'print JSON'),
  ).action(async (model: string, flags: ExportFlags) => {
    const output = flags.output ?? `${model}.pt`;
    const { numClasses, weights } = flags;
    const path = await withHub(flags, (options) =>
      hub.exportTorchScript(model, output, { ...options, numClasses, weights }),
    );
    if (flags.json) printJson({ model, path });
    else print(path);
  });
}

/** Reads a positive whole number. */
export function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a positive whole number.');
}
