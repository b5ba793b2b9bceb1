import { malformed, readLines, type Dataset } from '../dataset';
import { DatasetError } from '../errors';
import { abbreviate, nearest } from '../options';
import type { TrainingSource } from '../train';

/** The classes that a tag stands for, by the tag without `#`, in lower case. */
export type TagTable = ReadonlyMap<string, readonly string[]>;

/**
 * Reads a table with a tag and a class on each line, separated by a tab, a comma, a semicolon or the first space. A tag may stand for
 * several classes, and a class have several tags.
 *
 * @param classes the names of the classes
 * @throws DatasetError if it cannot be read, a line has another form, or names no class
 */
export async function readTagTable(path: string, classes: readonly string[]): Promise<TagTable> {
  const known = new Set(classes);
  const table = new Map<string, string[]>();
  for (const { line, number } of await readLines(path)) {
    const [, tag = '', name] = /^([^\s,;]+)\s*[\t,; ]\s*(.+)$/.exec(line) ?? [];
    if (normalize(tag) === '' || name === undefined) {
      throw malformed(
        path,
        `has no tag and class on line ${number}: '${abbreviate(line)}'`,
        'Write a tag and the class it stands for on each line, such as `#goldfinch n01531178`.',
      );
    }
    if (!known.has(name)) throw unknownClass(path, number, name, classes);
    const key = normalize(tag);
    table.set(key, [...(table.get(key) ?? []), name]);
  }
  return table;
}

/**
 * The images of a dataset with the classes of their tags, which are its labels, separated by spaces, commas or semicolons.
 * Images without a tag of the table have no label.
 */
export function taggedImages(dataset: Dataset, table: TagTable): TrainingSource {
  const { name, size } = dataset;
  return {
    ...{ name, size },
    async *samples(options) {
      for await (const { label = '', ...sample } of dataset.samples(options)) {
        const tags = label
          .split(/[\s,;]+/)
          .map(normalize)
          .filter(Boolean);
        const labels = new Set(tags.flatMap((tag) => table.get(tag) ?? []));
        yield { ...sample, labels: [...labels] };
      }
    },
  };
}

function normalize(tag: string): string {
  return tag.replace(/^#/, '').normalize().toLowerCase();
}

function unknownClass(
  path: string,
  line: number,
  name: string,
  classes: readonly string[],
): DatasetError {
  const guess = nearest(name, classes);
  return new DatasetError('ERR_SEMISUP_DATASET_LABEL', {
    what: `'${abbreviate(name)}' on line ${line} of ${path} is no class of the labeled images.`,
    remedy: `${guess === undefined ? '' : `Did you mean '${guess}'? `}Use the labels of the labeled images.`,
    value: name,
  });
}
