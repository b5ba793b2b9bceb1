import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { userCache } from '../libtorch';
import { writeFileAtomically } from './archive';
import type { PlanTuning } from './native';
import { isPlanChoices } from './plan-choices';

/** Increment it when kernels or `PlanChoices` change, to invalidate earlier measurements. */
const cacheVersion = 7;

/** The path of a cached tuning. It is valid for one graph, one processor model and one LibTorch. */
export function tuningPath(key: readonly unknown[]): string {
  const machine = [process.arch, cpus()[0]?.model, availableParallelism()];
  const hash = createHash('sha256').update(JSON.stringify([cacheVersion, ...key, ...machine]));
  return join(userCache(), 'plans', `${hash.digest('hex').slice(0, 32)}.json`);
}

/** Reads a cached tuning; undefined if it is missing or invalid. */
export async function readTuning(path: string): Promise<PlanTuning | undefined> {
  try {
    const { choices, measured } = JSON.parse(await readFile(path, 'utf8')) as PlanTuning;
    return isPlanChoices(choices) ? { choices, measured } : undefined;
  } catch {
    return undefined;
  }
}

/** Caches a tuning. Failures are ignored: they only cost another measurement at the next load. */
export async function writeTuning(path: string, tuning: PlanTuning): Promise<void> {
  const text = JSON.stringify(tuning, undefined, 2);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomically(path, (temporary) => writeFile(temporary, text));
  } catch {
    return;
  }
}
