import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../../support/run-node';
import type { Seed } from '../target';

/** The files of a directory of the repository that match. */
export async function filesOf(directory: string, names: RegExp): Promise<Seed[]> {
  const path = join(root, directory);
  const found = (await readdir(path)).filter((name) => names.test(name)).toSorted();
  return await Promise.all(
    found.map(async (name) => ({ name, bytes: await readFile(join(path, name)) })),
  );
}

/** The checkpoints of the tests that match. */
export async function checkpointFixtures(names: RegExp): Promise<Seed[]> {
  return await filesOf('test/20.checkpoint/fixtures', names);
}
