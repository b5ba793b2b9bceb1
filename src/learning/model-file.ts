import { existsSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { card, findCard } from '../models';

/**
 * The absolute path of a model in a file; undefined for the name of one of the hub.
 *
 * @throws ModelError if it is a name, but neither of the hub nor of a file
 */
export function fileOfModel(model: string): string | undefined {
  if (findCard(model)) return undefined;
  if (!/\.\w+$|[\\/]/.test(model) && !existsSync(model)) card(model);
  return resolve(model);
}

/** The name of a model in a file: that of the file, as a line of printable text. */
export function modelNameOf(path: string): string {
  return basename(path, extname(path)).replace(/\p{C}/gu, '?').slice(0, 1000);
}
