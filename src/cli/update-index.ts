import { withoutPosition, type Classifier, type ImageFailure } from '../classify';
import { ImageError } from '../errors';
import type { EntryMetadata, ImageIndex, IndexEntry } from '../search';
import type { ImageProgress } from './image-progress';
import { describeError, note } from './terminal';

/** An image that is indexed. */
export interface ImageFile {
  readonly id: string;
  readonly path: string;
  /** By which a later run recognizes that the file is unchanged. */
  readonly metadata: EntryMetadata;
}

/** What has changed since an index was written. */
export interface Changes {
  /** The ids of files that no longer exist. */
  readonly vanished: readonly string[];
  readonly changed: readonly ImageFile[];
}

/** Where an index is written. */
export interface IndexTarget {
  readonly path: string;
  /** Undefined if it does not exist yet. */
  readonly index: ImageIndex | undefined;
  readonly create: (dimensions: number) => ImageIndex;
}

/** An image that could not be read. */
export interface Failure {
  readonly path: string;
  readonly error: { readonly code: string; readonly message: string };
}

/** What an update did. */
export interface Update {
  /** Undefined if it did not exist and no image could be read. */
  readonly index: ImageIndex | undefined;
  readonly added: number;
  readonly updated: number;
  readonly removed: number;
  readonly failures: readonly Failure[];
  readonly seconds: number;
}

interface UpdateContext {
  /** Undefined if no image has changed. */
  readonly model: Classifier | undefined;
  readonly orient: boolean | undefined;
  readonly onProgress: (progress: ImageProgress) => void;
  /** Ends the update early, which is no error. */
  readonly interruption: AbortSignal;
  /** Aborts with it, and when the index may no longer be written. */
  readonly signal: AbortSignal;
}

/** Images per call, of which two are pending: enough to decode some while others are computed. */
const chunkSize = 32;

/** How often an unfinished index is saved, in milliseconds: at least, and relative to the time that it takes. */
const saveInterval = { least: 60_000, factor: 20 };

/**
 * Updates an index, and saves it: now and then, at the end, and when it is interrupted, which is no error. Then a later
 * update continues.
 *
 * @throws the reason of `context.signal` if that aborts without an interruption
 */
export async function updateIndex(
  target: IndexTarget,
  changes: Changes,
  context: UpdateContext,
): Promise<Update> {
  const updater = new IndexUpdater(target, context);
  return await updater.run(changes);
}

class IndexUpdater {
  readonly #target: IndexTarget;
  readonly #context: UpdateContext;
  readonly #startTime = performance.now();
  readonly #failures: Failure[] = [];
  #index: ImageIndex | undefined;
  #counts = { added: 0, updated: 0, removed: 0 };
  #nextSave = performance.now() + saveInterval.least;

  constructor(target: IndexTarget, context: UpdateContext) {
    this.#target = target;
    this.#context = context;
    this.#index = target.index;
  }

  async run({ vanished, changed }: Changes): Promise<Update> {
    if (this.#index) this.#counts.removed += await this.#index.remove(vanished);
    try {
      await this.#embed(changed);
    } finally {
      const { added, updated, removed } = this.#counts;
      if (added + updated + removed > 0) await this.#save();
    }
    const seconds = (performance.now() - this.#startTime) / 1000;
    return { index: this.#index, ...this.#counts, failures: this.#failures, seconds };
  }

  async #embed(files: readonly ImageFile[]): Promise<void> {
    const { model, orient, interruption, signal } = this.#context;
    if (!model) return;
    const start = (first: number) => {
      const chunk = files.slice(first, first + chunkSize);
      const paths = chunk.map(({ path }) => path);
      const results = model.embed(paths, { orient, signal, onError: 'return' });
      // Awaited later; another may fail before.
      results.catch(() => undefined);
      return { chunk, results };
    };
    try {
      let pending = start(0);
      for (let first = 0; first < files.length; first += chunkSize) {
        const { chunk, results } = pending;
        pending = start(first + chunkSize);
        await this.#add(chunk, await results);
        this.#report(Math.min(first + chunkSize, files.length), files.length);
        if (performance.now() > this.#nextSave) await this.#save();
      }
      await pending.results;
    } catch (error) {
      if (!interruption.aborted) throw error;
    }
  }

  async #add(
    chunk: readonly ImageFile[],
    results: readonly (Float32Array | ImageFailure)[],
  ): Promise<void> {
    const entries: IndexEntry[] = [];
    const unreadable: string[] = [];
    for (const [i, { id, path, metadata }] of chunk.entries()) {
      const embedding = results[i]!;
      if (embedding instanceof Float32Array) {
        entries.push({ id, embedding, metadata });
      } else {
        if (!(embedding instanceof ImageError)) throw embedding;
        const error = withoutPosition(embedding);
        note(describeError(error));
        this.#failures.push({ path, error });
        unreadable.push(id);
      }
    }
    const [first] = entries;
    if (first) this.#index ??= this.#target.create(first.embedding.length);
    const index = this.#index;
    if (!index) return;
    const updated = entries.filter(({ id }) => index.has(id)).length;
    await index.add(entries);
    this.#counts.updated += updated;
    this.#counts.added += entries.length - updated;
    this.#counts.removed += await index.remove(unreadable);
  }

  #report(done: number, total: number): void {
    const seconds = (performance.now() - this.#startTime) / 1000;
    this.#context.onProgress({ done, total, rate: done / seconds });
  }

  async #save(): Promise<void> {
    const { interruption, signal } = this.#context;
    if (!interruption.aborted) signal.throwIfAborted();
    const startTime = performance.now();
    await this.#index?.save(this.#target.path);
    const duration = performance.now() - startTime;
    this.#nextSave =
      performance.now() + Math.max(saveInterval.least, saveInterval.factor * duration);
  }
}
