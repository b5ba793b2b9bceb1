import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import ts from 'typescript';
import { root } from '../support/run-node';

/** The floors of src/, lowest first, as CONTRIBUTING.md has them. */
const floors = [
  ['errors', 'dtype', 'turnstile'],
  ['options'],
  ['net', 'checkpoint'],
  ['libtorch'],
  ['torch', 'versions'],
  ['models', 'image'],
  ['classify'],
  ['hub'],
  ['slot'],
  ['cli', 'index'],
];

const src = join(root, 'src');
/** The folder or file directly in src/ that a path lies in, e.g. `hub`. */
const roomOf = (path: string) => relative(src, path).split(sep)[0]!.replace(/\.ts$/, '');
const floorOf = (room: string) => floors.findIndex((rooms) => rooms.includes(room));

describe('the house', () => {
  it('has a floor for each folder', async () => {
    const rooms = (await readdir(src)).map((name) => roomOf(join(src, name)));
    assert.deepEqual(rooms.toSorted(), floors.flat().toSorted());
  });

  it('imports only from floors below', async () => {
    const names = await readdir(src, { recursive: true });
    const upward: string[] = [];
    for (const name of names.filter((one) => /(?<!\.d)\.ts$/.test(one))) {
      const path = join(src, name);
      const { importedFiles } = ts.preProcessFile(await readFile(path, 'utf8'));
      for (const { fileName } of importedFiles.filter((one) => one.fileName.startsWith('.'))) {
        const [from, to] = [roomOf(path), roomOf(join(dirname(path), fileName))];
        if (from !== to && floorOf(from) <= floorOf(to)) upward.push(`${name}: ${fileName}`);
      }
    }
    assert.deepEqual(upward, []);
  });
});
