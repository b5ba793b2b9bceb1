import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as errors from '../../src/errors';
import { root } from '../support/run-node';

/** Whole codes alone: some source makes them of a prefix and a kind. */
function codesIn(text: string): string[] {
  return text.match(/\bERR_SEMISUP_[A-Z_]*[A-Z](?![A-Z_])/g) ?? [];
}

async function codesInSource(): Promise<Set<string>> {
  const src = join(root, 'src');
  const names = await readdir(src, { recursive: true });
  const sources = names.filter((name) => name.endsWith('.ts'));
  const texts = await Promise.all(sources.map((name) => readFile(join(src, name), 'utf8')));
  return new Set(texts.flatMap(codesIn));
}

describe('docs/errors.md', () => {
  it('lists each code once, and no other', async () => {
    const listed = codesIn(await readFile(join(root, 'docs', 'errors.md'), 'utf8'));
    assert.deepEqual(listed.toSorted(), [...(await codesInSource())].toSorted());
  });

  it('lists each class', async () => {
    const text = await readFile(join(root, 'docs', 'errors.md'), 'utf8');
    const classes = [...text.matchAll(/^\| `(\w+Error)` \|/gm)].map(([, name]) => name);
    assert.deepEqual([...classes, 'SemisupError'].toSorted(), Object.keys(errors).toSorted());
  });
});
