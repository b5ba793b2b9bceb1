import { basename } from 'node:path';
import { classFinder, readClassMap, readLines, readText, type ClassOf } from '../dataset';
import { DatasetError } from '../errors';
import type { ImageClass } from '../models';
import { invalidValue } from '../options';

/** Options for which classes are right, and which count. The files have timm's formats. */
export interface TargetOptions {
  /** A text file with the dataset's label of each class of the model, one per line, in the order of the model's classes. */
  readonly classMap?: string;
  /**
   * The labels of ImageNet-ReaL (`real.json`): a JSON array with the indices of all right classes of
   * `ILSVRC2012_val_00000001.JPEG` and so on. They replace the labels of the dataset.
   */
  readonly realLabels?: string;
  /**
   * The indices of the classes that count, in an array or in a text file with one per line: the probabilities of
   * the others are 0, as for ImageNet-A and ImageNet-R, which have 200 of the 1000 classes.
   */
  readonly validLabels?: string | readonly number[];
}

/** Which classes are right, and which count. */
export interface Targets {
  /** The indices of the classes that count, ascending; undefined if all do. */
  readonly valid: readonly number[] | undefined;
  /** The class that a label names. @throws DatasetError if it names none */
  readonly classOf: ClassOf;
  /** The indices of the right classes of an image; none if it does not count. @throws DatasetError */
  labelsOf(name: string, label: string | undefined): readonly number[];
}

/**
 * Reads the files that the options name.
 *
 * @param model the name of the model, for messages
 * @throws DatasetError if a file cannot be read or has another form
 * @throws OptionError if `validLabels` contains anything but indices of classes
 */
export async function readTargets(
  { classMap, realLabels, validLabels }: TargetOptions,
  classes: readonly ImageClass[],
  model: string,
): Promise<Targets> {
  const classOf =
    classMap === undefined
      ? classFinder(classes, model)
      : await readClassMap(classMap, classes, model);
  const real =
    realLabels === undefined ? undefined : await readRealLabels(realLabels, classes.length);
  const valid =
    typeof validLabels === 'string'
      ? await readIndices(validLabels, classes.length)
      : validLabels && checkIndices(validLabels, classes.length);
  const isValid = valid && new Set(valid);
  return {
    valid,
    classOf,
    labelsOf: (name, label) => {
      const labels = real?.(name) ?? (label === undefined ? [] : [classOf(label)]);
      return isValid ? labels.filter((index) => isValid.has(index)) : labels;
    },
  };
}

/** The right classes by the number in the name of an image. */
async function readRealLabels(
  path: string,
  classes: number,
): Promise<(name: string) => readonly number[]> {
  const labels = parseJson(await readText(path));
  const isLabels = (one: unknown): one is number[] =>
    Array.isArray(one) && one.every((index) => isIndex(index, classes));
  if (!Array.isArray(labels) || !labels.every(isLabels)) {
    throw malformed(path, `is no JSON array of arrays of indices below ${classes}`);
  }
  return (name) => {
    const [, digits] = /_(\d{8})\.\w+$/.exec(basename(name)) ?? [];
    const found = labels[Number(digits) - 1];
    if (found) return found;
    throw malformed(path, `has no labels for ${name}, whose name must end in its number`);
  };
}

async function readIndices(path: string, classes: number): Promise<number[]> {
  const indices = (await readLines(path)).map(({ line, number }) => {
    const index = Number(line);
    if (isIndex(index, classes)) return index;
    throw malformed(path, `has no index of a class below ${classes} on line ${number}`);
  });
  if (indices.length === 0) throw malformed(path, 'names no class');
  return ascending(indices);
}

function checkIndices(indices: readonly number[], classes: number): number[] {
  const wrong = indices.findIndex((index) => !isIndex(index, classes));
  if (wrong < 0) return ascending(indices);
  throw invalidValue(
    `validLabels[${wrong}]`,
    `the index of a class, 0 to ${classes - 1},`,
    indices[wrong],
  );
}

function ascending(indices: readonly number[]): number[] {
  return [...new Set(indices)].toSorted((a, b) => a - b);
}

function isIndex(value: unknown, classes: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < classes;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function malformed(path: string, problem: string): DatasetError {
  return new DatasetError('ERR_SEMISUP_DATASET_FORMAT', {
    what: `${path} ${problem}.`,
    remedy: 'Pass the file as its authors publish it.',
    value: path,
  });
}
