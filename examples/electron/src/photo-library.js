import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** @import { Photo, PhotoSource } from './types.js' */

export const photoExtensions = ['jpg', 'jpeg', 'png', 'webp', 'gif', 'avif', 'bmp', 'tif', 'tiff'];

/** The photos that the user has opened. Only these can be read by the renderer, by their ids. */
export class PhotoLibrary {
  /** @type {Map<string, PhotoSource>} */
  #sources = new Map();

  /** @param {PhotoSource} source @param {string} name @returns {Photo} */
  add(source, name) {
    const id = randomUUID();
    this.#sources.set(id, source);
    return { id, name };
  }

  /** @param {string} id */
  source(id) {
    const source = this.#sources.get(id);
    if (source === undefined) throw new Error(`No photo has the id ${id}.`);
    return source;
  }
}

/** The photos in a folder and its subfolders. @param {string} folder */
export async function findPhotos(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const pattern = new RegExp(`\\.(${photoExtensions.join('|')})$`, 'i');
  return entries
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
