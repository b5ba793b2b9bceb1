import { Command } from 'commander';
import { hub } from '../hub';
import { withHub, withHubFlags, type HubFlags } from './hub-options';
import { outcomes } from './outcomes';
import { toLoadOptions, withRunFlags, type RunFlags } from './run-options';
import { errorAsJson, print, printJson } from './terminal';

interface EmbedFlags extends HubFlags, RunFlags {
  readonly orient?: boolean;
  readonly json?: boolean;
}

/** `semisup embed IMAGE…` */
export function embedCommand(): Command {
  return withHubFlags(
    withRunFlags(
      new Command('embed')
        .description("images as vectors: the model's features before its last layer")
        .argument('<image...>'),
    )
      .option('--orient', 'turn images as their EXIF orientation says')
      .option('--json', 'print JSON'),
  ).action(async (images: string[], flags: EmbedFlags) => {
    const { orient } = flags;
    await using model = await withHub(flags, (options) =>
      hub.load(flags.model, { ...options, ...toLoadOptions(flags) }),
    );
    const vectors: object[] = [];
    const ask = (image: string) => model.embed(image, { orient });
    for await (const { image, answer, error } of outcomes(images, ask)) {
      if (flags.json) {
        vectors.push({
          image,
          ...(error ? { error: errorAsJson(error) } : { embedding: [...answer] }),
        });
      } else if (answer) {
        print([image, ...answer].join('\t'));
      }
    }
    if (flags.json) printJson(vectors);
  });
}
