import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ImageIndex, IndexError } from 'semisup';

/** @import { Classifier, Embedding, ImageFailure } from 'semisup' */

/** Photos per call: enough to keep all cores busy, few enough to show progress. */
const chunkSize = 16;

/** How often an unfinished index is saved, in milliseconds. */
const saveInterval = 60_000;

/**
 * The embeddings of a folder's photos by one model. They are kept in a file, so that later only new and changed photos
 * are computed.
 */
export class FolderIndex {
  #file;
  /** Undefined until the first photo is added. @type {ImageIndex | undefined} */
  #index;

  /** @param {string} file @param {ImageIndex | undefined} index */
  constructor(file, index) {
    this.#file = file;
    this.#index = index;
  }

  /** @param {string} file */
  static async open(file) {
    try {
      return new FolderIndex(file, await ImageIndex.open(file));
    } catch (error) {
      if (!(error instanceof IndexError)) throw error;
      // It does not exist yet, or is damaged, and is replaced.
      return new FolderIndex(file, undefined);
    }
  }

  /**
   * Brings the index up to date, and saves it: now and then, at the end, and when it is aborted.
   *
   * @param {Classifier} model
   * @param {readonly string[]} paths all photos of the folder
   * @param {{ signal: AbortSignal, onProgress: (progress: { done: number, skipped: number }) => void }} options
   */
  async update(model, paths, { signal, onProgress }) {
    const existing = new Set(paths);
    const vanished = this.#index?.ids().filter((path) => !existing.has(path)) ?? [];
    let changes = (await this.#index?.remove(vanished)) ?? 0;
    let skipped = 0;
    let nextSave = Date.now() + saveInterval;
    try {
      for (let start = 0; start < paths.length; start += chunkSize) {
        signal.throwIfAborted();
        const chunk = paths.slice(start, start + chunkSize);
        const changed = await this.#changed(chunk);
        const options = /** @type {const} */ ({ signal, onError: 'return' });
        const results = await model.embed(
          changed.map(({ path }) => path),
          options,
        );
        const added = await this.#add(changed, results);
        changes += added;
        skipped += changed.length - added;
        onProgress({ done: start + chunk.length, skipped });
        if (changes > 0 && Date.now() > nextSave) {
          await this.#save();
          nextSave = Date.now() + saveInterval;
        }
      }
    } finally {
      if (changes > 0) await this.#save();
    }
  }

  /** The embedding of a photo of the folder. @param {string} path */
  async embedding(path) {
    return await this.#index?.embedding(path);
  }

  /**
   * The paths of the photos that are most similar to an embedding, best first.
   *
   * @param {Embedding} embedding
   * @param {number} topk
   */
  async search(embedding, topk) {
    return (await this.#index?.search(embedding, { topk })) ?? [];
  }

  async close() {
    await this.#index?.close();
  }

  /** The photos that are not in the index as they are now. @param {readonly string[]} paths */
  async #changed(paths) {
    const changed = [];
    for (const path of paths) {
      // Without them, the model reports why the file cannot be read.
      const stats = await stat(path).catch(() => undefined);
      const metadata = stats && { size: stats.size, modified: stats.mtimeMs };
      const known = this.#index?.metadata(path);
      const isKnown =
        known && known.size === metadata?.size && known.modified === metadata?.modified;
      if (!isKnown) changed.push({ path, metadata });
    }
    return changed;
  }

  /**
   * @param {readonly { path: string, metadata?: { size: number, modified: number } }[]} photos
   * @param {readonly (Float32Array | ImageFailure)[]} results
   * @returns how many photos could be read
   */
  async #add(photos, results) {
    const entries = photos.flatMap(({ path, metadata }, i) => {
      const embedding = results[i];
      return embedding instanceof Float32Array ? [{ id: path, embedding, metadata }] : [];
    });
    const [first] = entries;
    if (first) this.#index ??= ImageIndex.create({ dimensions: first.embedding.length });
    await this.#index?.remove(photos.map(({ path }) => path));
    await this.#index?.add(entries);
    return entries.length;
  }

  async #save() {
    await mkdir(dirname(this.#file), { recursive: true });
    await this.#index?.save(this.#file);
  }
}
