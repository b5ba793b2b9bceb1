import { stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { IndexError } from '../errors';
import { abbreviate } from '../options';
import { ImageIndex } from '../search';

/**
 * The name of a directory's index, in the directory itself: both can be moved together, and each directory has an index
 * of its own. It is hidden, and no image.
 */
export const indexName = '.semisup-index';

/** An index of image files, whose ids are paths relative to the directory of the index, with slashes. */
export class FileIndex {
  constructor(
    /** Absolute. */
    readonly path: string,
    readonly index: ImageIndex,
  ) {}

  /** The path of an image: relative if it is in the working directory, otherwise absolute. */
  pathOf(id: string): string {
    const path = resolve(dirname(this.path), id);
    const fromHere = relative(process.cwd(), path);
    return fromHere.startsWith('..') ? path : fromHere;
  }

  /** The ids of the images in a directory. */
  idsIn(directory: string): string[] {
    const prefix = join(resolve(directory), sep);
    const base = dirname(this.path);
    return this.index.ids().filter((id) => resolve(base, id).startsWith(prefix));
  }
}

/** The id of an image in an index. On Windows, the absolute path if it is on another drive. */
export function idOf(indexPath: string, image: string): string {
  return relative(dirname(indexPath), resolve(image)).split(sep).join('/');
}

/** The path of an index that is given by its own path or by that of its directory. */
export async function indexPathOf(path: string): Promise<string> {
  const stats = await stat(path).catch(() => undefined);
  return resolve(stats?.isDirectory() ? join(path, indexName) : path);
}

/**
 * The path of the index of the working directory or, as Git does, of the next directory above it that has one.
 *
 * @throws IndexError if there is none
 */
export async function findIndex(): Promise<string> {
  for (let directory = resolve('.'); ; directory = dirname(directory)) {
    const path = join(directory, indexName);
    if ((await stat(path).catch(() => undefined))?.isFile()) return path;
    if (directory === dirname(directory)) break;
  }
  throw new IndexError('ERR_SEMISUP_INDEX_NOT_FOUND', {
    what: `Neither the directory '${abbreviate(process.cwd())}' nor one above it has an index.`,
    remedy: 'Pass one as --index, or create it with semisup index.',
    value: process.cwd(),
  });
}
