import { basename, dirname, join } from 'node:path';
import { existsSync } from 'node:fs';
import { malformed } from './errors';
import { readIlsvrcSynsets } from './ilsvrc-synsets';
import { readLines, readNumberedLines } from './text-file';

/** The labels of images that are numbered from 1: one per line, without the images' names. */
export interface GroundTruth {
  readonly path: string;
  readonly labels: readonly string[];
}

/** The name of the file that describes the classes in ImageNet's development kit. */
const synsetsFile = 'meta.mat';

/** Whether no line of a file names an image before its label. */
export async function isGroundTruth(path: string): Promise<boolean> {
  const lines = await readLines(path);
  return lines.length > 0 && lines.every(({ line }) => !/[\s,]/.test(line));
}

/**
 * Reads a file with one label per line, such as `ILSVRC2012_validation_ground_truth.txt`. The numbers in that file are
 * not indices of classes, but refer to `meta.mat` in the same directory, from which their WordNet IDs are read.
 *
 * @throws DatasetError if it cannot be read, or its numbers have no meaning without `meta.mat`
 */
export async function readGroundTruth(path: string): Promise<GroundTruth> {
  const labels = await readNumberedLines(path);
  const synsets = join(dirname(path), synsetsFile);
  if (!/ilsvrc/i.test(basename(path)) || labels.some((label) => !/^\d+$/.test(label))) {
    return { path, labels };
  }
  if (!existsSync(synsets)) {
    throw malformed(
      path,
      `numbers the classes as ImageNet's development kit does, but ${synsets} does not exist`,
      `Copy ${synsetsFile} of the development kit there, or pass a list with the lines \`filename label\`.`,
    );
  }
  const wnids = await readIlsvrcSynsets(synsets);
  return {
    path,
    labels: labels.map((id, i) => {
      const wnid = wnids.get(Number(id));
      if (wnid !== undefined) return wnid;
      throw malformed(
        path,
        `has the class ${id} on line ${i + 1}, which ${synsets} does not describe`,
        'Pass the two files of one development kit.',
      );
    }),
  };
}

/**
 * Assigns the labels to images: by the number in their names, as in `ILSVRC2012_val_00000293.JPEG`, or else in the
 * order of the sorted names.
 *
 * @param names all names, sorted; undefined if they are not known in advance
 * @throws DatasetError if the numbers of images and labels differ
 */
export function labelByNumber(
  { path, labels }: GroundTruth,
  names: readonly string[] | undefined,
): (name: string) => string | undefined {
  const isNumbered = names?.every((name) => numberOf(name) !== undefined) ?? true;
  if (isNumbered) return (name) => labels[(numberOf(name) ?? 0) - 1];
  if (names!.length !== labels.length) {
    throw malformed(
      path,
      `has ${labels.length} labels for ${names!.length} images`,
      'Pass one label per image, or a list with the lines `filename label`.',
    );
  }
  const indices = new Map(names!.map((name, index) => [name, index]));
  return (name) => labels[indices.get(name)!];
}

/** The number at the end of a name, which has eight digits in ImageNet. */
function numberOf(name: string): number | undefined {
  const [, digits] = /_(\d{8})\.\w+$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
