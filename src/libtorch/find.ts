import { resolve } from 'node:path';
import { LibTorchError } from '../errors';
import { majorMinor, readFolder, type LibTorchFolder } from './folder';
import { variants } from './pins';
import { installFolder } from './places';
import { findPythonTorch, findPythonTorchSync, type PythonTorch } from './python';

export interface FindOptions {
  /** A folder of LibTorch, to be taken before all others. */
  readonly libtorch?: string;
  /** The major.minor versions that will do, e.g. `['2.13']`; default: any. */
  readonly versions?: readonly string[];
}

/** A place that was looked at in vain. */
export interface Place {
  /** What led there, e.g. `SEMISUP_LIBTORCH`. */
  readonly source: string;
  /** The folder, if anything led to one. */
  readonly dir?: string;
  /** Why it was not taken, in words. */
  readonly problem: string;
}

/** The LibTorch that is used, and how it was found. */
export interface LibTorch extends LibTorchFolder {
  /** What led there, e.g. `the user's cache`. */
  readonly source: string;
  /** The places that were looked at before, in order. */
  readonly passed: readonly Place[];
}

/**
 * Finds LibTorch: the folder given by the option, by `SEMISUP_LIBTORCH` or by `LIBTORCH`; the user's
 * cache, CUDA's build first; the active Python's PyTorch if `LIBTORCH_USE_PYTORCH` is `1`. A folder
 * that is given is taken or refused, never passed over.
 *
 * @throws LibTorchError `ERR_SEMISUP_LIBTORCH_NOT_FOUND`, or `ERR_SEMISUP_LIBTORCH_MISMATCH` where all
 *   there is has another version; both name every place looked at and why it was not taken.
 */
export async function findLibTorch(options: FindOptions = {}): Promise<LibTorch> {
  const search = new Search(options.versions);
  const found = search.visit(candidates(options));
  return found ?? search.end(search.asksPython ? await findPythonTorch() : notAsked);
}

/** Like `findLibTorch`, but blocks while Python is queried. */
export function findLibTorchSync(options: FindOptions = {}): LibTorch {
  const search = new Search(options.versions);
  const found = search.visit(candidates(options));
  return found ?? search.end(search.asksPython ? findPythonTorchSync() : notAsked);
}

interface Candidate {
  readonly source: string;
  readonly dir?: string;
  readonly problem?: string;
  /** Whether the user named it, so that the search ends with it. */
  readonly given?: boolean;
}

const notAsked: PythonTorch = { problem: 'not asked, because LIBTORCH_USE_PYTORCH is not 1' };

/** A search in two steps, because Python's PyTorch, the last candidate, may have to be awaited. */
class Search {
  readonly #versions: readonly string[] | undefined;
  readonly #passed: Place[] = [];
  #isMismatch = false;
  #isOver = false;

  constructor(versions: readonly string[] | undefined) {
    this.#versions = versions;
  }

  /** Whether the last step needs Python. */
  get asksPython(): boolean {
    return !this.#isOver && process.env.LIBTORCH_USE_PYTORCH === '1';
  }

  /** The first candidate that fits; undefined if none does. */
  visit(candidates: Iterable<Candidate>): LibTorch | undefined {
    for (const { source, dir, given, problem } of candidates) {
      const found = dir === undefined ? problem! : readFolder(dir);
      if (typeof found === 'string') {
        this.#passed.push({ source, dir, problem: found });
      } else if (this.#versions?.includes(majorMinor(found.version)) ?? true) {
        return { ...found, source, passed: this.#passed };
      } else {
        this.#isMismatch = true;
        const wanted = this.#versions!.join(' or ');
        this.#passed.push({
          source,
          dir,
          problem: `it is LibTorch ${found.version}, and the addon is built for ${wanted}`,
        });
      }
      if (given) {
        this.#isOver = true;
        return undefined;
      }
    }
    return undefined;
  }

  /** Python's PyTorch, if the search has come to it and it fits. @throws LibTorchError otherwise */
  end(python: PythonTorch): LibTorch {
    const last = { source: "the active Python's PyTorch", ...python };
    const found = this.#isOver ? undefined : this.visit([last]);
    if (found) return found;
    throw this.#isMismatch ? mismatched(this.#passed) : notFound(this.#passed);
  }
}

function* candidates({ libtorch }: FindOptions): Generator<Candidate> {
  const given = [
    ["the option 'libtorch'", libtorch],
    ['SEMISUP_LIBTORCH', process.env.SEMISUP_LIBTORCH],
    ['LIBTORCH', process.env.LIBTORCH],
  ] as const;
  for (const [source, dir] of given) {
    yield dir ? { source, dir: resolve(dir), given: true } : { source, problem: 'not set' };
  }
  for (const variant of variants.toReversed()) {
    yield { source: "the user's cache", dir: installFolder(variant) };
  }
}

function notFound(places: readonly Place[]): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_LIBTORCH_NOT_FOUND', {
    what: `LibTorch was not found. Looked at:\n${list(places)}\n`,
    remedy: `Possible solutions:\n${solutions}`,
    value: places,
  });
}

function mismatched(places: readonly Place[]): LibTorchError {
  return new LibTorchError('ERR_SEMISUP_LIBTORCH_MISMATCH', {
    what: `No LibTorch of a version that fits was found. Looked at:\n${list(places)}\n`,
    remedy: `Possible solutions:\n${solutions}\n- in a clone, build the addon for that LibTorch: npm run build:native`,
    value: places,
  });
}

const solutions = `- fetch it: npx semisup libtorch install
- set SEMISUP_LIBTORCH to the folder of a LibTorch, the one that holds 'lib'
- set LIBTORCH_USE_PYTORCH=1 to use the PyTorch of the active Python`;

function list(places: readonly Place[]): string {
  return places
    .map(({ source, dir, problem }) => `- ${dir ? `${source} (${dir})` : source}: ${problem}`)
    .join('\n');
}
