import { checkEmbeddingsPath, writeEmbeddings } from '../embeddings';
import { invalidValue } from '../options';
import { EmbeddingRun } from './embedding-run';
import { finishTuning } from './finish-tuning';
import type { HubFlags } from './hub-options';
import { expandImages, isRemote, type ImageArgument } from './image-arguments';
import { ImageBar } from './image-progress';
import { identifyModel } from './index-model';
import { openClassifier } from './open-classifier';
import { Interruption, withDisplay } from './progress';
import type { RunFlags } from './run-options';
import type { ViewFlags } from './view-options';
import { note, print, printJson } from './terminal';

interface EmbedToFileFlags extends HubFlags, RunFlags, ViewFlags {
  readonly orient?: boolean;
  readonly normalize?: boolean;
  readonly json?: boolean;
}

/** Writes the embeddings of the images that arguments name to a file, and prints how many there are. */
export async function embedToFile(
  path: string,
  names: readonly string[],
  flags: EmbedToFileFlags,
): Promise<void> {
  await checkEmbeddingsPath(path);
  const images = await listImages(names);
  await using model = await openClassifier(flags);
  const { orient = false, normalize = false, views = 'center' } = flags;
  const name = await identifyModel(flags);
  const { precision } = model.plan;
  const { transform } = model.metadata;
  const conditions = { model: name, precision, transform, orient, normalize, views };
  try {
    await withDisplay(new ImageBar(), async (onProgress, signal) => {
      const run = new EmbeddingRun(model, images, { orient, normalize, views, onProgress });
      await writeEmbeddings(path, conditions, (rows, locked) => run.complete(rows, locked), signal);
      show({ file: path, model: name, ...run.summary() }, flags);
    });
  } catch (error) {
    if (error instanceof Interruption) {
      note('Interrupted. Run the command again to embed the other images.');
    }
    throw error;
  }
  await finishTuning(model);
}

/** The images by their names, each once. @throws OptionError if one is no file */
async function listImages(names: readonly string[]): Promise<Map<string, ImageArgument>> {
  const remote = names.find((name) => name === '-' || isRemote(name));
  // Whether they have changed cannot be known, when the command is run again.
  if (remote !== undefined)
    throw invalidValue('the images of --out', 'files', remote, 'Omit --out, or pass files.');
  const images = new Map<string, ImageArgument>();
  for await (const image of expandImages(names)) images.set(image.name, image);
  return images;
}

type Summary = { readonly file: string; readonly model: string } & ReturnType<
  EmbeddingRun['summary']
>;

function show({ seconds, ...summary }: Summary, { json }: EmbedToFileFlags): void {
  if (json) {
    printJson(summary);
    return;
  }
  const { file, images, dimensions, computed, failed } = summary;
  const rate = computed > 0 ? ` at ${(computed / seconds).toFixed(1)} images/s` : '';
  const counts = `${computed} computed, ${failed.length} unreadable`;
  print(`${file}: ${images} images, ${dimensions} dimensions (${counts})${rate}`);
}
