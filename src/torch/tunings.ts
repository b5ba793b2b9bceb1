import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { userCache } from '../libtorch';
import { writeArchive } from './archive';
import type { PlanTuning } from './native';
import { isPlanChoices } from './plan-choices';

/** Raised where kernels or choices change, so that what was measured before is measured anew. */
const generation = 7;

/** Where a tuning is kept: it holds for one graph on one kind of processor with one LibTorch. */
export function tuningPath(key: readonly unknown[]): string {
  const machine = [process.arch, cpus()[0]?.model, availableParallelism()];
  const hash = createHash('sha256').update(JSON.stringify([generation, ...key, ...machine]));
  return join(userCache(), 'plans', `${hash.digest('hex').slice(0, 32)}.json`);
}

/** What was kept; undefined where there is nothing, or nothing that can be used. */
export async function readTuning(path: string): Promise<PlanTuning | undefined> {
  try {
    const { choices, measured } = JSON.parse(await readFile(path, 'utf8')) as PlanTuning;
    return isPlanChoices(choices) ? { choices, measured } : undefined;
  } catch {
    return undefined;
  }
}

/** A cache that cannot be written costs time at the next load, and nothing else. */
export async function writeTuning(path: string, tuning: PlanTuning): Promise<void> {
  const text = JSON.stringify(tuning, undefined, 2);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeArchive(path, (temporary) => writeFile(temporary, text));
  } catch {
    return;
  }
}
