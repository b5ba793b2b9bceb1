import { Command } from 'commander';
import { hub } from '../hub';
import type { DeviceName } from '../torch';
import { withHub, withHubFlags, type HubFlags } from './hub-options';
import { print, printJson } from './terminal';

interface EmbedFlags extends HubFlags {
  readonly model: string;
  readonly device: DeviceName;
  readonly json?: boolean;
}

/** `semisup embed IMAGE…` */
export function embedCommand(): Command {
  return withHubFlags(
    new Command('embed')
      .description("images as vectors: the model's features before its last layer")
      .argument('<image...>')
      .option('-m, --model <name>', 'one of `semisup list`', 'resnet50_swsl')
      .option('--device <device>', 'auto, cpu, cuda or cuda:<index>', 'auto')
      .option('--json', 'print JSON'),
  ).action(async (images: string[], flags: EmbedFlags) => {
    await using model = await withHub(flags, (options) =>
      hub.load(flags.model, { ...options, device: flags.device }),
    );
    const vectors = await model.embed(images);
    if (flags.json) {
      printJson(images.map((image, i) => ({ image, embedding: [...vectors[i]!] })));
      return;
    }
    images.forEach((image, i) => {
      print([image, ...vectors[i]!].join('\t'));
    });
  });
}
