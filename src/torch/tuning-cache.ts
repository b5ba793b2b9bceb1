import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { CacheError, SemisupError } from '../errors';
import { userCache } from '../libtorch';
import { checkTrusted } from '../trust/trusted-path';
import { warnAboutCache } from '../net/cache-warning';
import { errorReason } from '../net/error-reason';
import { writeFileAtomically } from './archive';
import type { PlanTuning } from './native';
import { isPlanChoices } from './plan-choices';
import { processorModel } from './processor';

/** Increment it when kernels or `PlanChoices` change, to invalidate earlier measurements. */
const cacheVersion = 11;

/**
 * The path of a cached tuning; undefined if the user has no cache. It is valid for one graph, one processor model,
 * one instruction set and one LibTorch.
 */
export function tuningPath(key: readonly unknown[]): string | undefined {
  const machine = [process.arch, processorModel(), availableParallelism()];
  const hash = createHash('sha256').update(JSON.stringify([cacheVersion, ...key, ...machine]));
  try {
    return join(userCache(), 'plans', `${hash.digest('hex').slice(0, 32)}.json`);
  } catch (error) {
    // Neither the home directory nor the temporary directory can be written.
    if (!(error instanceof SemisupError)) throw error;
    warnAboutTuning('', error.what);
    return undefined;
  }
}

/**
 * Reads a cached tuning; undefined if it is missing or invalid, or, with a warning, if another user could have
 * written it.
 */
export async function readTuning(path: string): Promise<PlanTuning | undefined> {
  if (!isTrusted(path)) return undefined;
  try {
    const { choices, measured } = JSON.parse(await readFile(path, 'utf8')) as PlanTuning;
    return isPlanChoices(choices) ? { choices, measured } : undefined;
  } catch {
    return undefined;
  }
}

/** Caches a tuning. A failure costs another measurement at each load, and causes a warning. */
export async function writeTuning(path: string, tuning: PlanTuning): Promise<void> {
  const text = JSON.stringify(tuning, undefined, 2);
  if (!isTrusted(path)) return;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o775 });
    await writeFileAtomically(path, (temporary) => writeFile(temporary, text, { mode: 0o664 }));
  } catch (error) {
    warnAboutTuning(
      dirname(path),
      error instanceof SemisupError
        ? error.what
        : `${path} could not be written: ${errorReason(error)}.`,
    );
  }
}

function isTrusted(path: string): boolean {
  try {
    checkTrusted(path);
    return true;
  } catch (error) {
    if (!(error instanceof CacheError)) throw error;
    warnAboutTuning(dirname(path), error.message);
    return false;
  }
}

function warnAboutTuning(directory: string, problem: string): void {
  warnAboutCache(
    directory,
    `${problem} Each process therefore measures the algorithms of its plans again, about two seconds per model. Set XDG_CACHE_HOME to a writable directory, or pass plan: 'untuned'.`,
  );
}
