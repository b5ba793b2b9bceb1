import { Command } from 'commander';
import type { ImageInput } from '../image';
import { embedToFile } from './embed-to-file';
import { finishTuning } from './finish-tuning';
import { withHubFlags, type HubFlags } from './hub-options';
import { openClassifier } from './open-classifier';
import { processImages } from './process-images';
import { imageArgument, withRunFlags, type RunFlags } from './run-options';
import { withViewFlags, type ViewFlags } from './view-options';
import { errorAsJson, print, printJson } from './terminal';

interface EmbedFlags extends HubFlags, RunFlags, ViewFlags {
  readonly out?: string;
  readonly orient?: boolean;
  readonly normalize?: boolean;
  readonly json?: boolean;
}

/** `semisup embed IMAGE…` */
export function embedCommand(): Command {
  return withHubFlags(
    withViewFlags(
      withRunFlags(
        new Command('embed')
          .description("compute embeddings: the model's features before its last layer")
          .argument('<image...>', imageArgument),
      ),
    )
      .option('-o, --out <file>', 'write them to a .npy, .jsonl, .parquet or .lance file')
      .option('--orient', 'rotate images according to their EXIF orientation')
      .option('--normalize', 'divide each embedding by its L2 norm')
      .option('--json', 'print JSON'),
  ).action(async (images: string[], flags: EmbedFlags) => {
    const { out, orient, normalize, views } = flags;
    if (out !== undefined) {
      await embedToFile(out, images, flags);
      return;
    }
    await using model = await openClassifier(flags);
    const results: object[] = [];
    const embed = (image: ImageInput) => model.embed(image, { orient, normalize, views });
    for await (const { image, result, error } of processImages(images, embed)) {
      if (flags.json) {
        results.push({
          image,
          ...(error ? { error: errorAsJson(error) } : { embedding: [...result] }),
        });
      } else if (result) {
        print([image, ...result].join('\t'));
      }
    }
    if (flags.json) printJson(results);
    await finishTuning(model);
  });
}
