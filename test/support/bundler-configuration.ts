import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeBlocks } from './documentation';

/** Writes the configuration file that docs/bundlers.md shows under this name to a directory. */
export async function writeConfiguration(directory: string, name: string): Promise<void> {
  const block = codeBlocks('docs/bundlers.md').find(({ code }) => code.startsWith(`// ${name}\n`));
  assert(block, `docs/bundlers.md shows no ${name}`);
  await writeFile(join(directory, name), block.code);
}
