import { DatasetError } from '../errors';
import { malformed } from './errors';
import { readLines } from './text-file';

/** A file that states the label of each image on a line of its own. */
export interface LabelList {
  readonly path: string;
  /** The images in the order of the lines. */
  readonly entries: readonly { readonly name: string; readonly label: string }[];
}

/** Of a CSV file whose first line names its columns. */
const header = /^(file_?name|image|path|file)\s*[,\t]\s*(label|class|target|wnid)$/i;

/**
 * Reads a list with one image per line, `filename label`, separated by a tab, a comma or the last space. Names are
 * normalized to `/`.
 *
 * @throws DatasetError if it cannot be read, a line has another form, or two lines name one image
 */
export async function readLabelList(path: string): Promise<LabelList> {
  const lines = await readLines(path);
  if (lines[0] && header.test(lines[0].line)) lines.shift();
  const numbers = new Map<string, number>();
  const entries = lines.map(({ line, number }) => {
    const [, name, label] =
      /^([^\t]+?)\s*\t\s*(.+)$/.exec(line) ??
      /^([^,]+?)\s*,\s*(.+)$/.exec(line) ??
      /^(.+?)\s+(\S+)$/.exec(line) ??
      [];
    if (name === undefined || label === undefined) {
      throw malformed(
        path,
        `has no label on line ${number}: '${line.slice(0, 100)}'`,
        'Write the name of an image and its label on each line, such as `photos/dog.jpg n02099712`.',
      );
    }
    return { name: addName(path, name, number, numbers), label };
  });
  return { path, entries };
}

/**
 * Reads a list with the name of an image on each line. Names are normalized to `/`.
 *
 * @throws DatasetError if it cannot be read, or two lines name one image
 */
export async function readNameList(path: string): Promise<string[]> {
  const numbers = new Map<string, number>();
  const lines = await readLines(path);
  return lines.map(({ line, number }) => addName(path, line, number, numbers));
}

/** Returns the normalized name on a line. @throws DatasetError if an earlier line has it */
function addName(path: string, name: string, line: number, lines: Map<string, number>): string {
  const normalized = name.replace(/\\/g, '/').replace(/^\.\//, '');
  const earlier = lines.get(normalized);
  if (earlier !== undefined) throw namedTwice(path, normalized, earlier, line);
  lines.set(normalized, line);
  return normalized;
}

function namedTwice(path: string, name: string, first: number, second: number): DatasetError {
  return new DatasetError('ERR_SEMISUP_DATASET_DUPLICATE', {
    what: `${path} names ${name} twice, on lines ${first} and ${second}.`,
    remedy: 'Remove one of the lines.',
    value: name,
  });
}
