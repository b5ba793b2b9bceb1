import { rejectOnAbort } from './abort';
import { openEngine } from './addon';
import { Executor, type ExecutorOptions } from './executor';
import type {
  EngineNative,
  NearestRows,
  VectorLayout,
  VectorPrecision,
  VectorsHandle,
} from './native';

let lastJobId = 0;

type Threads = Pick<ExecutorOptions, 'threads'>;

/**
 * Vectors of length 1, which are compared by their cosines, as rows in the order in which they were appended. The
 * calls run one after another, in order, on threads of their own. Each rejects with `DisposedError` after `close`.
 */
export class VectorStore {
  readonly #executor: Executor<EngineNative>;
  readonly #handle: VectorsHandle;

  private constructor(executor: Executor<EngineNative>, handle: VectorsHandle) {
    this.#executor = executor;
    this.#handle = handle;
  }

  static create(dtype: VectorPrecision, dimensions: number, { threads }: Threads): VectorStore {
    const engine = openEngine();
    const executor = Executor.start(engine, { threads });
    return new VectorStore(executor, engine.createVectors(dtype, dimensions));
  }

  /**
   * Maps the rows of a file, which must not be modified while they are used: replace it by another one instead.
   *
   * @param header what the file begins with
   * @throws IndexError with a clause about the file as its message
   */
  static async open(
    path: string,
    header: Uint8Array,
    layout: VectorLayout,
    { threads }: Threads,
  ): Promise<VectorStore> {
    const engine = openEngine();
    const executor = Executor.start(engine, { threads });
    try {
      const { handle } = executor;
      return new VectorStore(executor, await engine.openVectors(handle, path, header, layout));
    } catch (error) {
      await executor.close();
      throw error;
    }
  }

  /** See `EngineNative.appendVectors`. */
  async append(appended: Float32Array, removed: Int32Array): Promise<number | undefined> {
    const { native, handle } = this.#executor;
    return await native.appendVectors(handle, this.#handle, appended, removed);
  }

  /** Marks rows as removed. */
  async remove(rows: Int32Array): Promise<void> {
    const { native, handle } = this.#executor;
    await native.removeVectors(handle, this.#handle, rows);
  }

  /** Removes the marked rows from memory: the others move up. */
  async compact(): Promise<void> {
    const { native, handle } = this.#executor;
    await native.compactVectors(handle, this.#handle);
  }

  /** Copies rows, as they are in a file, to `target`. */
  async read(first: number, count: number, target: Uint8Array): Promise<void> {
    const { native, handle } = this.#executor;
    await native.readVectors(handle, this.#handle, first, count, target);
  }

  /** See `EngineNative.searchVectors`. */
  async search(queries: Float32Array, k: number, signal?: AbortSignal): Promise<NearestRows> {
    const { native, handle } = this.#executor;
    return await this.#abortable(signal, (jobId) =>
      native.searchVectors(handle, this.#handle, queries, k, jobId),
    );
  }

  /** See `EngineNative.uniteVectors`. */
  async unite(
    panel: { readonly first: number; readonly count: number },
    threshold: number,
    parents: Int32Array,
    signal?: AbortSignal,
  ): Promise<void> {
    const { native, handle } = this.#executor;
    const { first, count } = panel;
    await this.#abortable(signal, (jobId) =>
      native.uniteVectors(handle, this.#handle, first, count, threshold, parents, jobId),
    );
  }

  /** The cosine of each row of `a` with the row at the same index of `b`. */
  async compare(a: Int32Array, b: Int32Array): Promise<Float32Array> {
    const { native, handle } = this.#executor;
    return await native.compareVectors(handle, this.#handle, a, b);
  }

  /** Refuses new calls, waits for pending ones, then frees the vectors. Idempotent. */
  async close(): Promise<void> {
    await this.#executor.close(this.#handle);
  }

  async #abortable<T>(
    signal: AbortSignal | undefined,
    start: (jobId: number) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    const { native, handle } = this.#executor;
    const jobId = ++lastJobId;
    return await rejectOnAbort(signal, start(jobId), () => {
      native.cancelJob(handle, jobId);
    });
  }
}
