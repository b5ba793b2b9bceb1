import { DatasetError } from '../errors';
import { matchClasses, nearestClass, type ImageClass } from '../models';
import { abbreviate, nearest } from '../options';
import { malformed } from './errors';
import { readNumberedLines } from './text-file';

/** Returns the index of the class that a label names. @throws DatasetError if it names none or several */
export type ClassOf = (label: string) => number;

/**
 * The classes that labels name: by WordNet ID, by label or another name, or by index.
 *
 * @param model the name of the model, for messages
 */
export function classFinder(classes: readonly ImageClass[], model: string): ClassOf {
  const known = new Map<string, number>();
  const find = (label: string) => {
    const indices = matchClasses(classes, label);
    if (indices.length === 1) return indices[0]!;
    if (indices.length > 1) throw ambiguous(label, indices, classes);
    const index = /^\d+$/.test(label) ? Number(label) : NaN;
    if (index < classes.length) return index;
    throw unknown(label, model, nearestClass(classes, label));
  };
  return (label) => {
    const index = known.get(label) ?? find(label);
    known.set(label, index);
    return index;
  };
}

/**
 * The classes of labels by a class map, as in timm: a text file with the label of each class, in the order of the model's
 * classes.
 *
 * @throws DatasetError if it cannot be read, has more lines than there are classes, or has a label twice
 */
export async function readClassMap(
  path: string,
  classes: readonly ImageClass[],
  model: string,
): Promise<ClassOf> {
  const names = await readNumberedLines(path);
  if (names.length > classes.length) {
    throw malformed(
      path,
      `has ${names.length} lines, but ${model} has ${classes.length} classes`,
      "Write the label of each class on a line of its own, in the order of the model's classes.",
    );
  }
  const indices = new Map(names.map((name, index) => [name, index]));
  if (indices.size < names.length) {
    const twice = names.find((name, index) => indices.get(name) !== index)!;
    throw malformed(path, `has the label '${abbreviate(twice)}' twice`, 'Remove one of them.');
  }
  return (label) => {
    const index = indices.get(label);
    if (index === undefined) throw unknown(label, path, nearest(label, names));
    return index;
  };
}

function unknown(label: string, model: string, guess: string | undefined): DatasetError {
  return new DatasetError('ERR_SEMISUP_DATASET_LABEL', {
    what: `The label '${abbreviate(label)}' names no class of ${model}.`,
    remedy: `${guess === undefined ? '' : `Did you mean '${guess}'? `}Use WordNet IDs, names or indices of the classes, or pass a class map.`,
    value: label,
  });
}

function ambiguous(
  label: string,
  indices: readonly number[],
  classes: readonly ImageClass[],
): DatasetError {
  const names = indices.map((index) => classes[index]!.wnid || String(index));
  return new DatasetError('ERR_SEMISUP_DATASET_LABEL', {
    what: `The label '${label}' names several classes: ${names.join(', ')}.`,
    remedy: 'Use their WordNet IDs or indices.',
    value: label,
  });
}
