import { Command, InvalidArgumentError } from 'commander';
import { hub } from '../hub';
import { withHub, withHubFlags, type HubFlags } from './hub-options';
import { offerLibTorch } from './offer-libtorch';
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
      .description('export a model as a TorchScript file, which LibTorch and Python load')
      .argument('<model>')
      .option('-o, --output <file>', 'output file; <model>.pt by default')
      .option(
        '--num-classes <count>',
        'replace the last layer with an untrained one of this size',
        parsePositiveInteger,
      )
      .option('--weights <checkpoint>', 'path of your own checkpoint')
      .option('--json', 'print JSON'),
  ).action(async (model: string, flags: ExportFlags) => {
    const output = flags.output ?? `${model}.pt`;
    const { numClasses, weights } = flags;
    await offerLibTorch(flags);
    const path = await withHub(flags, (options) =>
      hub.exportTorchScript(model, output, { ...options, numClasses, weights }),
    );
    if (flags.json) printJson({ model, path });
    else print(path);
  });
}

/** Parses a positive integer. @throws InvalidArgumentError otherwise */
export function parsePositiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a positive integer.');
}
