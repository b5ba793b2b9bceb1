import { Command } from 'commander';
import type { ImageInput } from '../image';
import { ImageIndex, type Neighbor } from '../search';
import { parsePositiveInteger } from './export';
import { finishTuning } from './finish-tuning';
import { withHubFlags, type HubFlags } from './hub-options';
import { FileIndex, findIndex, indexPathOf } from './index-files';
import { selectModel } from './index-model';
import { openClassifier } from './open-classifier';
import { processImages } from './process-images';
import { imageArgument, withRunFlags, type RunFlags } from './run-options';
import { bar, bold, errorAsJson, print, printJson, table } from './terminal';

interface SearchFlags extends HubFlags, RunFlags {
  readonly index?: string;
  readonly topk?: number;
  readonly orient?: boolean;
  readonly json?: boolean;
}

/** `semisup search IMAGE…` */
export function searchCommand(): Command {
  return withHubFlags(
    withRunFlags(
      new Command('search')
        .description('find the images of an index that are similar to others')
        .argument('<image...>', imageArgument),
    )
      .option(
        '--index <path>',
        'an index, or a directory that was indexed; by default that of the working directory or of one above it',
      )
      .option('-k, --topk <count>', 'number of images; 10 by default', parsePositiveInteger)
      .option('--orient', 'rotate images according to their EXIF orientation')
      .option('--json', 'print JSON'),
  ).action(async (images: string[], flags: SearchFlags, command: Command) => {
    const { topk, orient, json } = flags;
    const path = await (flags.index === undefined ? findIndex() : indexPathOf(flags.index));
    await using index = await ImageIndex.open(path);
    const isDefault = command.getOptionValueSource('model') === 'default';
    const selected = await selectModel(flags, isDefault, { path, model: index.model });
    await using model = await openClassifier(selected);
    const files = new FileIndex(path, index);
    const search = async (image: ImageInput) =>
      await index.search(await model.embed(image, { orient }), { topk });
    const results: object[] = [];
    for await (const { image, result, error } of processImages(images, search)) {
      if (error) results.push({ image, error: errorAsJson(error) });
      else results.push({ image, neighbors: describeNeighbors(files, result) });
      if (!json && result) print(`${bold(image)}\n${showNeighbors(files, result)}\n`);
    }
    if (json) printJson(results);
    await finishTuning(model);
  });
}

/** Adds the paths of the images. */
export function describeNeighbors(files: FileIndex, neighbors: readonly Neighbor[]): object[] {
  return neighbors.map(({ id, score }) => ({ id, path: files.pathOf(id), score }));
}

/** Formats neighbors as a table. */
export function showNeighbors(files: FileIndex, neighbors: readonly Neighbor[]): string {
  const columns = [{ title: 'cosine', right: true }, { title: '' }, { title: 'image' }];
  const rows = neighbors.map(({ id, score }) => [
    score.toFixed(4),
    bar(score, 20),
    files.pathOf(id),
  ]);
  return table(columns, rows);
}
