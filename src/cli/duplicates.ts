import { Command } from 'commander';
import { ImageIndex } from '../search';
import { FileIndex, indexPathOf } from './index-files';
import { withProgress } from './progress';
import { describeNeighbors, showNeighbors } from './search';
import { bold, print, printJson } from './terminal';

interface DuplicatesFlags {
  readonly threshold?: number;
  readonly json?: boolean;
}

/** `semisup duplicates DIR` */
export function duplicatesCommand(): Command {
  return new Command('duplicates')
    .description('group the images of an index that are nearly the same')
    .argument('[path]', 'an index, or a directory that was indexed', '.')
    .option('--threshold <cosine>', 'smallest cosine of two duplicates; 0.95 by default', Number)
    .option('--json', 'print JSON')
    .action(async (directory: string, { threshold, json }: DuplicatesFlags) => {
      const path = await indexPathOf(directory);
      await using index = await ImageIndex.open(path);
      const files = new FileIndex(path, index);
      const groups = await withProgress((onProgress, signal) =>
        index.duplicates({
          ...{ threshold, signal },
          onProgress: ({ compared, total }) => {
            const amount = `the pairs of ${index.size} images`;
            onProgress({ phase: 'compare', file: path, received: compared, total, amount });
          },
        }),
      );
      if (json) {
        printJson(groups.map((group) => describeNeighbors(files, group)));
        return;
      }
      for (const group of groups) {
        print(`${bold(`${group.length} images`)}\n${showNeighbors(files, group)}\n`);
      }
      const count = groups.reduce((sum, { length }) => sum + length, 0);
      const noun = groups.length === 1 ? 'group' : 'groups';
      print(`${groups.length} ${noun} of ${count} of ${index.size} images`);
    });
}
