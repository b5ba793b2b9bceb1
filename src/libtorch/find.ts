import { join, resolve } from 'node:path';
import { LibTorchError } from '../errors';
import { abbreviate } from '../options';
import { majorMinor } from '../binaries/major-minor';
import { readLibTorchDirectory, type LibTorchDirectory } from './directory';
import { downloadSize, variants } from './pins';
import { installDirectory } from './cache-directory';
import { checkTrusted, checkTrustedDirectory } from '../trust/trusted-path';
import type { PythonTorch } from './python';

export interface FindOptions {
  /** The directory that is loaded in this process: no other can be used. */
  readonly current?: string;
  /** The directory given to `libtorch.use`, which takes precedence over all others. */
  readonly chosen?: string;
  /** The accepted major.minor versions, e.g. `['2.13']`; any by default. */
  readonly versions?: readonly string[];
}

/** A location that was searched and rejected. */
export interface RejectedLocation {
  /** How the location was found, e.g. `SEMISUP_LIBTORCH`. */
  readonly source: string;
  /** The directory, if known. */
  readonly dir?: string;
  /** Why it was rejected. */
  readonly problem: string;
}

/** The LibTorch that is used, and how it was found. */
export interface LibTorch extends LibTorchDirectory {
  /** How it was found, e.g. `the user's cache`. */
  readonly source: string;
  /** The locations rejected before this one, in search order. */
  readonly rejected: readonly RejectedLocation[];
}

/**
 * Finds LibTorch. Searches in this order:
 *
 * 1. the directory given to `libtorch.use`,
 * 2. the directory given by `SEMISUP_LIBTORCH`,
 * 3. the directory given by `LIBTORCH`,
 * 4. the user's cache, the CUDA build first,
 * 5. the active Python's PyTorch, if `LIBTORCH_USE_PYTORCH` is `1`.
 *
 * If one of the first three is set but rejected, the search ends. A LibTorch that this process has already
 * loaded precedes all.
 *
 * @throws LibTorchError `ERR_SEMISUP_LIBTORCH_NOT_FOUND`, or `ERR_SEMISUP_LIBTORCH_MISMATCH` if only
 *   other versions were found; both list every location and why it was rejected. CacheError if another user
 *   could have written the LibTorch in the user's cache.
 */
export async function findLibTorch(options: FindOptions = {}): Promise<LibTorch> {
  const search = new Search(options.versions);
  const found = search.tryCandidates(candidates(options));
  return (
    found ?? search.tryPython(search.needsPython ? await python().findPythonTorch() : notQueried)
  );
}

/** Like `findLibTorch`, but blocks while Python is queried. */
export function findLibTorchSync(options: FindOptions = {}): LibTorch {
  const search = new Search(options.versions);
  const found = search.tryCandidates(candidates(options));
  return (
    found ?? search.tryPython(search.needsPython ? python().findPythonTorchSync() : notQueried)
  );
}

/** Loaded on first use, with node:child_process. */
function python() {
  return require('./python') as typeof import('./python');
}

interface Candidate {
  readonly source: string;
  readonly dir?: string;
  readonly problem?: string;
  /** Whether the user specified it, so that the search ends with it. */
  readonly explicit?: boolean;
  /** Whether it is in the user's cache, which must be safe from other users. */
  readonly cached?: boolean;
}

const notQueried: PythonTorch = { problem: 'not searched, because LIBTORCH_USE_PYTORCH is not 1' };

/**
 * A search in two steps, because querying Python, the last candidate, is asynchronous in one variant
 * and blocks in the other.
 */
class Search {
  readonly #versions: readonly string[] | undefined;
  readonly #rejected: RejectedLocation[] = [];
  #isMismatch = false;
  #isOver = false;

  constructor(versions: readonly string[] | undefined) {
    this.#versions = versions;
  }

  /** Whether the last step queries Python. */
  get needsPython(): boolean {
    return !this.#isOver && process.env.LIBTORCH_USE_PYTORCH === '1';
  }

  /** Returns the first accepted candidate; undefined if none is accepted, or an explicit one is rejected. */
  tryCandidates(candidates: Iterable<Candidate>): LibTorch | undefined {
    for (const { source, dir, explicit, cached, problem } of candidates) {
      const result = dir === undefined ? problem! : readLibTorchDirectory(dir);
      if (typeof result === 'string') {
        this.#rejected.push({ source, dir, problem: result });
      } else if (this.#versions?.includes(majorMinor(result.version)) ?? true) {
        if (cached) checkLibTorchTrusted(result.dir);
        return { ...result, source, rejected: this.#rejected };
      } else {
        this.#isMismatch = true;
        const supported = this.#versions!.join(' or ');
        this.#rejected.push({
          source,
          dir,
          problem: `it is LibTorch ${result.version}, but the addon is built for ${supported}`,
        });
      }
      if (explicit) {
        this.#isOver = true;
        return undefined;
      }
    }
    return undefined;
  }

  /**
   * Returns Python's PyTorch if the search reaches it and accepts it.
   *
   * @throws LibTorchError otherwise
   */
  tryPython(python: PythonTorch): LibTorch {
    const last = { source: "the active Python's PyTorch", ...python };
    const found = this.#isOver ? undefined : this.tryCandidates([last]);
    if (found) return found;
    throw this.#isMismatch ? mismatchError(this.#rejected) : notFoundError(this.#rejected);
  }
}

function* candidates({ current, chosen }: FindOptions): Generator<Candidate> {
  if (current !== undefined) {
    yield { source: 'loaded in this process', dir: current, explicit: true };
    return;
  }
  for (const { source, dir, missing } of configured(chosen)) {
    yield dir ? { source, dir: resolve(dir), explicit: true } : { source, problem: missing };
  }
  // The CUDA build first.
  for (const variant of variants.toReversed()) {
    yield { source: "the user's cache", dir: installDirectory(variant), cached: true };
  }
}

/**
 * Throws if another user could have written a LibTorch in the cache, or could replace it: its libraries are executed.
 *
 * @throws CacheError
 */
export function checkLibTorchTrusted(dir: string): void {
  checkTrusted(dir);
  checkTrustedDirectory(join(dir, 'lib'));
}

const usedSource = 'libtorch.use()';

/** The directories that the user may set. */
function configured(chosen: string | undefined) {
  return [
    { source: usedSource, dir: chosen, missing: 'not called' },
    { source: 'SEMISUP_LIBTORCH', dir: process.env.SEMISUP_LIBTORCH, missing: 'not set' },
    { source: 'LIBTORCH', dir: process.env.LIBTORCH, missing: 'not set' },
  ] as const;
}

/** Whether the user has set a directory, so that no other is searched. */
export function isConfigured({ chosen }: Pick<FindOptions, 'chosen'> = {}): boolean {
  return configured(chosen).some(({ dir }) => Boolean(dir));
}

function notFoundError(locations: readonly RejectedLocation[]): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_LIBTORCH_NOT_FOUND', {
    what: `LibTorch was not found. Searched locations:\n${list(locations)}\n`,
    remedy: remedy(locations),
    value: locations,
  });
}

function mismatchError(locations: readonly RejectedLocation[]): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_LIBTORCH_MISMATCH', {
    what: `No compatible version of LibTorch was found. Searched locations:\n${list(locations)}\n`,
    remedy: `In a clone of the repository, 'npm run build:native' builds the addon for your LibTorch version. ${remedy(locations)}`,
    value: locations,
  });
}

/** What to do; ends with the command to run. */
function remedy(locations: readonly RejectedLocation[]): string {
  const { source, dir } = locations.at(-1)!;
  if (source === usedSource) {
    return "Pass libtorch.use the directory that contains 'lib'. libtorch.install({ dir }) downloads LibTorch into a directory.";
  }
  const size = downloadSize('cpu');
  const command = size
    ? `download it (${Math.round(size / 1e6)} MB): npx semisup libtorch install`
    : `semisup cannot download it for ${process.platform}-${process.arch}`;
  if (dir !== undefined && ['SEMISUP_LIBTORCH', 'LIBTORCH'].includes(source)) {
    return `Set ${source} to the directory that contains 'lib', or unset it and ${command}`;
  }
  return `Possible solutions:
- set SEMISUP_LIBTORCH to a LibTorch directory, the one that contains 'lib'
- set LIBTORCH_USE_PYTORCH=1 to use the PyTorch of the active Python
- in a program, call libtorch.install()
- ${command}`;
}

function list(locations: readonly RejectedLocation[]): string {
  return locations
    .map(
      ({ source, dir, problem }) =>
        `- ${dir ? `${source} (${abbreviate(dir)})` : source}: ${problem}`,
    )
    .join('\n');
}
