import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../../src/dataset';
import { DatasetError } from '../../src/errors';
import { readTagTable, taggedImages } from '../../src/selftrain/tags';
import { temporaryDirectory } from '../support/temporary';

describe('tags', () => {
  const directory = temporaryDirectory();
  const classes = ['bird', 'great white shark'];
  const read = async (...lines: string[]) => {
    const path = join(directory.path, 'table.txt');
    await writeFile(path, lines.join('\n'));
    return await readTagTable(path, classes);
  };

  it('stand for classes', async () => {
    const table = await read(
      ...['#Finch bird', 'robin,bird', '#shark;great white shark', '#sea\tbird', ''],
      '#sea great white shark',
    );
    const labels = ['#finch #FINCH', 'shark, #robin;', undefined, '# ,', '#other', '#sea'];
    const dataset: Dataset = {
      name: 'tagged',
      // eslint-disable-next-line @typescript-eslint/require-await
      async *samples() {
        for (const [i, label] of labels.entries()) yield { name: `${i}`, image: `${i}`, label };
      },
    };
    const found: (readonly string[])[] = [];
    for await (const sample of taggedImages(dataset, table).samples()) found.push(sample.labels);
    assert.deepEqual(found, [
      ...[['bird'], ['great white shark', 'bird'], [], [], []],
      ['bird', 'great white shark'],
    ]);
  });

  it('are read from lines with a tag and a class', async () => {
    const fails = async (message: RegExp, ...lines: string[]) => {
      await assert.rejects(read(...lines), (error: Error) => {
        assert.ok(error instanceof DatasetError);
        assert.match(error.message, message);
        return true;
      });
    };
    await fails(/no tag and class on line 2: '# bird'/, '#finch bird', '# bird');
    await fails(/no tag and class on line 1/, '#finch');
    await fails(/'brid' on line 1 of .* no class .*Did you mean 'bird'\?/, '#finch brid');
  });
});
