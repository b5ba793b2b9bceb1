import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { asyncDispose } from '../dispose';
import { DisposedError } from '../errors';
import { VectorStore, type VectorPrecision } from '../native';
import { checkPath, invalidArgument } from '../options';
import {
  checkCreateOptions,
  checkOpenOptions,
  checkSaveOptions,
  completeDuplicatesOptions,
  completeSearchOptions,
} from './check-options';
import { packEmbeddings, readQueries, toFloat32 } from './embeddings';
import { EntryTable, checkEntries, checkIds, parseMetadata } from './entries';
import { rowBytes } from './file-header';
import { findDuplicates } from './find-duplicates';
import { damaged } from './invalid-index';
import { readIndex } from './read-index';
import type {
  DuplicatesOptions,
  Embedding,
  EntryMetadata,
  ImageIndexOpenOptions,
  ImageIndexOptions,
  IndexEntry,
  Neighbor,
  SaveOptions,
  SearchOptions,
} from './types';
import { writeIndex } from './write-index';

interface IndexState {
  readonly dimensions: number;
  readonly precision: VectorPrecision;
  readonly model: string | undefined;
  readonly entries: EntryTable;
  readonly vectors: VectorStore;
  /** The file that is mapped. */
  readonly path?: string;
}

/**
 * Embeddings of images, searched by the cosine of the angle between them: exactly, by comparing the query with each.
 * Does not need LibTorch, nor a model. The vectors are normalized when they are added, and computed with on threads of
 * the index.
 *
 * Changes take effect when the promise of `add` or `remove` resolves; they run in the order in which they were made, and
 * any number of searches may run meanwhile. `add`, `remove`, `embedding`, `search`, `duplicates` and `save` reject
 * with `DisposedError` after `close`.
 */
export class ImageIndex implements AsyncDisposable {
  /** The number of elements of an embedding. */
  readonly dimensions: number;
  /** How the vectors are stored. */
  readonly precision: VectorPrecision;
  /** The name of the model that computes the embeddings, if it was stated. */
  readonly model: string | undefined;
  readonly #entries: EntryTable;
  readonly #vectors: VectorStore;
  readonly #path: string | undefined;
  /** The last of the calls that change or save the index, which run one after another. Never rejects. */
  #lastChange: Promise<unknown> = Promise.resolve();
  /** The pending searches, which refer to vectors by row. */
  readonly #reads = new Set<Promise<unknown>>();
  /** Pending while the rows are numbered anew. */
  #compaction: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  private constructor({ dimensions, precision, model, entries, vectors, path }: IndexState) {
    this.dimensions = dimensions;
    this.precision = precision;
    this.model = model;
    this.#entries = entries;
    this.#vectors = vectors;
    this.#path = path;
  }

  /**
   * Creates an empty index, in memory.
   *
   * @throws OptionError if an option is unknown or has an invalid value
   * @throws LibTorchError if the package's addon is missing or cannot be loaded
   */
  static create(options: ImageIndexOptions): ImageIndex {
    checkCreateOptions(options);
    const { dimensions, precision = 'float32', model } = options;
    const vectors = VectorStore.create(precision, dimensions, options);
    return new ImageIndex({ dimensions, precision, model, entries: new EntryTable(), vectors });
  }

  /**
   * Opens a file that `save` has written. Reads the ids and the metadata; the vectors are mapped into memory, which
   * takes no time, and searches read them from the file as they need them. Do not modify the file while it is open:
   * `save` and `semisup index` replace it by another one, which an open index does not notice.
   *
   * @throws IndexError `ERR_SEMISUP_INDEX_NOT_FOUND` if the file cannot be read, `ERR_SEMISUP_INDEX_FORMAT` if it is
   *   truncated, damaged, of another version or another kind
   * @throws OptionError if an option is unknown or has an invalid value
   */
  static async open(path: string, options: ImageIndexOpenOptions = {}): Promise<ImageIndex> {
    checkPath('path', path);
    checkOpenOptions(options);
    const target = resolve(path);
    const { header, description, records, vectors } = await readIndex(target, options);
    const entries = new EntryTable();
    entries.stage(records);
    entries.commit();
    const { dimensions, precision } = header;
    const { model } = description;
    return new ImageIndex({ dimensions, precision, model, entries, vectors, path: target });
  }

  /** The number of entries. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether the index has an entry with this id. */
  has(id: string): boolean {
    return this.#entries.rowOf(id) !== undefined;
  }

  /** The ids, in the order in which their entries were added. */
  ids(): string[] {
    return this.#entries.ids();
  }

  /**
   * The metadata that were added with an entry; undefined if there are none, or no such entry.
   *
   * @throws IndexError `ERR_SEMISUP_INDEX_FORMAT` if the index was opened from a file in which they are not JSON
   */
  metadata(id: string): EntryMetadata | undefined {
    const row = this.#entries.rowOf(id);
    if (row === undefined) return undefined;
    try {
      return parseMetadata(this.#entries.recordAt(row));
    } catch (cause) {
      throw damaged(this.#path ?? 'the index', `the metadata of '${id}' are not JSON`, cause);
    }
  }

  /**
   * The vector of an entry as it is stored: normalized and, in bfloat16, rounded. Undefined if there is no such entry.
   */
  async embedding(id: string): Promise<Float32Array | undefined> {
    return await this.#read(async () => {
      const row = this.#entries.rowOf(id);
      if (row === undefined) return undefined;
      const bytes = new Uint8Array(rowBytes(this.precision, this.dimensions));
      await this.#vectors.read(row, 1, bytes);
      return toFloat32(bytes, this.precision, this.dimensions);
    });
  }

  /**
   * Adds entries, all or none of them. An existing entry with the same id is replaced, and moves to the end; of several
   * with one id, the last is added. The embeddings are copied, and need not be normalized; one whose elements are all 0
   * has a cosine of 0 with every other. Add thousands of entries in one call rather than millions, because copying them
   * blocks the event loop.
   *
   * @throws OptionError if an id is not a non-empty string, an embedding does not have `dimensions` finite numbers, or
   *   metadata are not an object that JSON can represent
   */
  async add(entries: readonly IndexEntry[]): Promise<void> {
    const checked = checkEntries(entries);
    const nameOf = (i: number) => `the embedding of '${checked[i]!.id}'`;
    const embeddings = checked.map(({ embedding }) => embedding);
    const packed = packEmbeddings(embeddings, this.dimensions, nameOf);
    await this.#change(async () => {
      const replaced = this.#entries.rowsOf(checked.map(({ id }) => id));
      this.#entries.stage(checked.map(({ id, metadata }) => ({ id, metadata })));
      try {
        const invalid = await this.#vectors.append(packed, replaced);
        if (invalid !== undefined) {
          throw invalidArgument(nameOf(invalid), 'finite numbers', embeddings[invalid]);
        }
      } catch (error) {
        this.#entries.unstage();
        throw error;
      }
      this.#entries.commit();
      await this.#compactIfSparse();
    });
  }

  /**
   * Removes entries.
   *
   * @returns how many of the ids existed
   * @throws OptionError if they are not an array of non-empty strings
   */
  async remove(ids: readonly string[]): Promise<number> {
    const removed = checkIds(ids);
    return await this.#change(async () => {
      await this.#vectors.remove(this.#entries.rowsOf(removed));
      const count = this.#entries.remove(removed);
      await this.#compactIfSparse();
      return count;
    });
  }

  /**
   * Returns the entries with the largest cosines to an embedding, the largest first; for an array of embeddings, one
   * such list for each. Exact: compares each embedding with all vectors, limited by the memory's bandwidth. Of equal
   * cosines, the entry that was added earlier comes first. The number of threads does not affect the result.
   *
   * @throws OptionError if an embedding does not have `dimensions` finite numbers, or an option is unknown or has an
   *   invalid value
   */
  search(embedding: Embedding, options?: SearchOptions): Promise<Neighbor[]>;
  search(embeddings: readonly Embedding[], options?: SearchOptions): Promise<Neighbor[][]>;
  async search(
    embeddings: Embedding | readonly Embedding[],
    options: SearchOptions = {},
  ): Promise<Neighbor[] | Neighbor[][]> {
    const { topk, signal } = completeSearchOptions(options);
    const { isBatch, batch } = readQueries(embeddings);
    const queries = packEmbeddings(batch, this.dimensions, (i) => `query ${i}`);
    if (queries.length === 0) return [];
    const results = await this.#read(async () => {
      const { rows, scores } = await this.#vectors.search(queries, topk, signal);
      const k = rows.length / batch.length;
      return batch.map((_, query) => this.#toNeighbors(rows, scores, query * k, k));
    });
    return isBatch ? results : results[0]!;
  }

  /**
   * Groups near-duplicates: entries whose cosine is at least `threshold`, directly or through others of the group. In
   * each group the entry that was added first comes first, with the score 1; the score of the others is their cosine to
   * it, which may be below the threshold. Compares all pairs: the time grows with the square of the number of entries.
   * Searches may run meanwhile. Entries that are added or removed meanwhile are not in the result.
   *
   * @throws OptionError if an option is unknown or has an invalid value
   */
  async duplicates(options: DuplicatesOptions = {}): Promise<Neighbor[][]> {
    const complete = completeDuplicatesOptions(options);
    return await this.#read(() => findDuplicates(this.#vectors, this.#entries, complete));
  }

  /**
   * Writes the index to a file, atomically: also if the process is killed meanwhile, the path has the previous file or
   * the complete new one.
   *
   * @throws IndexError `ERR_SEMISUP_INDEX_WRITE` if it cannot be written
   */
  async save(path: string, options: SaveOptions = {}): Promise<void> {
    checkPath('path', path);
    checkSaveOptions(options);
    const target = resolve(path);
    await this.#change(async () => {
      // Windows does not replace a file that is mapped.
      if (process.platform === 'win32' && (await this.#isMapped(target))) await this.#compact();
      const { precision, dimensions, model } = this;
      const [entries, vectors] = [this.#entries, this.#vectors];
      const content = { precision, dimensions, description: { model }, entries, vectors };
      await writeIndex(target, content, options.signal);
    });
  }

  /** Refuses new calls, waits for pending ones, then frees the vectors. Idempotent. */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  /** Same as `close()`. */
  async [asyncDispose](): Promise<void> {
    await this.close();
  }

  #toNeighbors(rows: Int32Array, scores: Float32Array, start: number, k: number): Neighbor[] {
    const neighbors: Neighbor[] = [];
    for (let i = start; i < start + k && rows[i]! >= 0; i++) {
      neighbors.push({ id: this.#entries.recordAt(rows[i]!).id, score: scores[i]! });
    }
    return neighbors;
  }

  /** Runs a call that changes or saves the index, after all earlier ones. */
  async #change<T>(work: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    const change = this.#lastChange.then(work);
    this.#lastChange = change.catch(() => undefined);
    return await change;
  }

  /** Runs a call that refers to vectors by row. */
  async #read<T>(work: () => Promise<T>): Promise<T> {
    this.#checkOpen();
    while (this.#compaction) await this.#compaction;
    this.#checkOpen();
    const read = work();
    this.#reads.add(read);
    try {
      return await read;
    } finally {
      this.#reads.delete(read);
    }
  }

  async #compactIfSparse(): Promise<void> {
    if (this.#entries.isSparse) await this.#compact();
  }

  async #compact(): Promise<void> {
    const compact = async () => {
      await Promise.allSettled(this.#reads);
      try {
        await this.#vectors.compact();
      } catch {
        // Without memory for a copy, the removed vectors stay.
        return;
      }
      this.#entries.compact();
    };
    this.#compaction = compact();
    await this.#compaction;
    this.#compaction = undefined;
  }

  async #isMapped(target: string): Promise<boolean> {
    if (this.#path === undefined) return false;
    const real = (path: string) => realpath(path).catch(() => path);
    return (await real(target)) === (await real(this.#path));
  }

  async #close(): Promise<void> {
    await this.#lastChange;
    while (this.#reads.size > 0) await Promise.allSettled(this.#reads);
    await this.#vectors.close();
  }

  #checkOpen(): void {
    if (!this.#closed) return;
    throw new DisposedError('ERR_SEMISUP_DISPOSED', {
      what: 'The index was used after close().',
      remedy: 'Call close() only after the last use, or open it again.',
    });
  }
}
