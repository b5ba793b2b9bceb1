import { type Checkpoint, type NestedStateDict, type StateDict } from '../checkpoint';
import { toPrintable } from '../checkpoint/errors';
import type { StoredTensor } from '../checkpoint/state-dict';
import { CheckpointError } from '../errors';
import type { TensorSpec } from '../types';
import { isKerasName } from './keras';
import { countByPrefix, withoutWrappers } from './prefixes';
import { architectures, resnet, type ArchitectureName } from '../models/resnet';
import { fits, head, isOptional, tensorsOf } from './state';

/** The state dict of a checkpoint that a network is filled from, under the network's own names. */
export interface SelectedState extends StateDict {
  /** Where it is in the saved object, e.g. `state_dict_ema`; empty for the object itself. */
  readonly key: string;
  /** What precedes the names in the file, e.g. `module.`. */
  readonly prefix: string;
  /** The Python types of the entries that are not tensors, by name. */
  readonly others: ReadonlyMap<string, string>;
  /** The tensors of the same state dict whose names do not begin with the prefix, under their full names. */
  readonly outside: ReadonlyMap<string, StoredTensor>;
  /** The locations of other state dicts that would fit as well. */
  readonly alternatives: readonly string[];
  /** The classes of pickled modules in the checkpoint, by key. */
  readonly modules: ReadonlyMap<string, string>;
}

/** A state dict under one of the prefixes of its names. */
interface Candidate {
  readonly dict: NestedStateDict;
  readonly prefix: string;
  /** How many of the required names exist. */
  readonly found: number;
}

/**
 * Finds the weights of an architecture in a checkpoint of any file format: the state dict and the prefix under
 * which all required tensors of the architecture exist with the right shape; those of the head and
 * `num_batches_tracked` are not required. If several fit, such as a model and its moving average, the order of
 * preference is: a location (key and prefix) with the word `ema` (timm evaluates these weights), then a key that
 * ends in `state_dict`, then one that ends in `model`. If none fits, returns the closest one, else Keras's
 * weights, else the largest state dict; `matchState` reports what does not match.
 *
 * @throws CheckpointError (`ERR_SEMISUP_CHECKPOINT_MISMATCH`) if several fit and none precedes the others.
 */
export function selectState(checkpoint: Checkpoint, architecture: ArchitectureName): SelectedState {
  const specs = tensorsOf(resnet(architectures[architecture]));
  const required = new Map(
    [...specs].filter(([name]) => !head.includes(name) && !isOptional(name)),
  );
  const { stateDicts, path } = checkpoint;
  const candidates = candidatesOf(stateDicts, required);
  let fitting = candidates.filter((candidate) => isComplete(candidate, required));
  if (fitting.length === 0) {
    fitting = candidatesOf(stateDicts.map(unwrap), required).filter((candidate) =>
      isComplete(candidate, required),
    );
  }
  const [chosen, ...alternatives] = inOrder(fitting, path, architecture);
  return selected(
    checkpoint,
    chosen ?? closest(candidates, required.size) ?? kerasCandidate(checkpoint) ?? whole(checkpoint),
    alternatives,
  );
}

function candidatesOf(
  dicts: readonly NestedStateDict[],
  required: ReadonlyMap<string, TensorSpec>,
): Candidate[] {
  return dicts.flatMap((dict) => {
    const counts = countByPrefix(dict.tensors.keys(), (name) => required.has(name));
    return [...counts].map(([prefix, found]) => ({ dict, prefix, found }));
  });
}

function isComplete(
  { dict, prefix, found }: Candidate,
  required: ReadonlyMap<string, TensorSpec>,
): boolean {
  if (found !== required.size) return false;
  return [...required].every(([name, spec]) => fits(dict.tensors.get(prefix + name), spec));
}

/** The state dict with the names that it had before parts of the network were wrapped. */
function unwrap(dict: NestedStateDict): NestedStateDict {
  const rename = <T>(map: ReadonlyMap<string, T>) =>
    new Map([...map].map(([name, value]) => [withoutWrappers(name), value]));
  const tensors = rename(dict.tensors);
  // Two tensors of the same name cannot be told apart.
  if (tensors.size < dict.tensors.size) return dict;
  return { key: dict.key, tensors, others: rename(dict.others) };
}

function inOrder(
  fitting: readonly Candidate[],
  path: string,
  architecture: ArchitectureName,
): Candidate[] {
  const sorted = [...fitting].sort((a, b) => rank(a) - rank(b));
  const tied = sorted.filter((candidate) => rank(candidate) === rank(sorted[0]!));
  if (tied.length <= 1) return sorted;
  const names = tied.slice(0, 8).map((candidate) => `'${locationOf(candidate)}'`);
  const first = locationOf(tied[0]!);
  throw new CheckpointError('ERR_SEMISUP_CHECKPOINT_MISMATCH', {
    what: `The checkpoint '${path}' contains ${tied.length} sets of weights for ${architecture}: ${names.join(', ')}.`,
    remedy: `Save only one of them in Python, for example the one at '${first}'.`,
    value: path,
  });
}

function rank(candidate: Candidate): number {
  const words = locationOf(candidate)
    .toLowerCase()
    .split(/[^a-z]+/);
  if (words.includes('ema')) return 0;
  const last = candidate.dict.key.split('.').at(-1);
  return last === 'state_dict' ? 1 : last === 'model' ? 2 : 3;
}

/** Where a candidate is in the checkpoint: the key of its state dict, and its prefix. */
function locationOf({ dict, prefix }: Candidate): string {
  const location = [dict.key, prefix.replace(/[./]$/, '')].filter(Boolean).join('.');
  return toPrintable(location);
}

/**
 * The candidate with the most required names, if they are at least half of all required names or at least half
 * of its tensors.
 */
function closest(candidates: readonly Candidate[], required: number): Candidate | undefined {
  const most = candidates.reduce((count, { found }) => Math.max(count, found), 0);
  const best = candidates.find(({ found }) => found === most);
  return best && 2 * most >= Math.min(required, best.dict.tensors.size) ? best : undefined;
}

/** Keras's weights, whose names `fromKeras` converts. */
function kerasCandidate({ stateDicts }: Checkpoint): Candidate | undefined {
  for (const dict of stateDicts) {
    const counts = [...countByPrefix(dict.tensors.keys(), isKerasName)];
    const [prefix, found] = counts.sort((a, b) => b[1] - a[1])[0] ?? ['', 0];
    if (found > 0) return { dict, prefix, found };
  }
  return undefined;
}

/** The largest state dict, under its own names. */
function whole({ stateDicts }: Checkpoint): Candidate {
  const dict = stateDicts.reduce((a, b) => (b.tensors.size > a.tensors.size ? b : a));
  return { dict, prefix: '', found: 0 };
}

function selected(
  checkpoint: Checkpoint,
  { dict, prefix }: Candidate,
  alternatives: readonly Candidate[],
): SelectedState {
  const inside = <T>(map: ReadonlyMap<string, T>) =>
    new Map(
      [...map]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length), value]),
    );
  return {
    path: checkpoint.path,
    close: () => checkpoint.close(),
    key: dict.key,
    prefix,
    tensors: inside(dict.tensors),
    others: inside(dict.others),
    outside: new Map([...dict.tensors].filter(([name]) => !name.startsWith(prefix))),
    alternatives: alternatives.map(locationOf),
    modules: checkpoint.modules,
  };
}
