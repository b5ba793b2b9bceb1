import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as errors from '../../src/errors';
import { nativeErrorCodes } from '../../src/native/native-errors';
import { root } from '../support/run-node';

/** Complete codes only: some source concatenates a prefix and a suffix. */
function codesIn(text: string): string[] {
  return text.match(/\bERR_SEMISUP_[A-Z_]*[A-Z](?![A-Z_])/g) ?? [];
}

/** The sorted codes in all files of a directory that match the extensions. */
async function codesUnder(directory: string, extensions: RegExp): Promise<string[]> {
  const path = join(root, directory);
  const names = (await readdir(path, { recursive: true })).filter((name) => extensions.test(name));
  const texts = await Promise.all(names.map((name) => readFile(join(path, name), 'utf8')));
  return [...new Set(texts.flatMap(codesIn))].toSorted();
}

describe('error codes', () => {
  const documented = async () => await readFile(join(root, 'docs', 'errors.md'), 'utf8');
  const codesInBinding = () => codesUnder('binding', /\.(h|cc)$/);

  it('are each listed once in docs/errors.md, which lists no others', async () => {
    const inSource = [...(await codesUnder('src', /\.ts$/)), ...(await codesInBinding())];
    const listed = codesIn(await documented());
    assert.deepEqual(listed.toSorted(), [...new Set(inSource)].toSorted());
  });

  it('of binding/ are all converted to errors by src/native/native-errors.ts', async () => {
    assert.deepEqual(await codesInBinding(), nativeErrorCodes.toSorted());
  });

  it('each have a cause and a remedy in docs/errors.md', async () => {
    const rows = (await documented()).split('\n').filter((row) => row.includes('`ERR_SEMISUP_'));
    const cells = rows.map((row) => row.split(' | ').map((cell) => cell.replace(/\|$/, '').trim()));
    assert.ok(cells.length > 40);
    assert.deepEqual(
      cells.filter(([, , cause, remedy]) => !cause || !remedy),
      [],
    );
  });

  it('belong to error classes that docs/errors.md lists', async () => {
    const classes = [...(await documented()).matchAll(/^\| `(\w+Error)` \|/gm)];
    const names = [...classes.map(([, name]) => name), 'SemisupError'];
    assert.deepEqual(names.toSorted(), Object.keys(errors).toSorted());
  });
});
