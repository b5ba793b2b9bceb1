import type { ExecutorOptions, VectorPrecision } from '../native';

/** An embedding: as many finite numbers as the index has dimensions, of any length (norm). */
export type Embedding = Float32Array | readonly number[];

/** A JSON object that an index stores with an entry. */
export type EntryMetadata = Readonly<Record<string, unknown>>;

/** An entry of an index. */
export interface IndexEntry {
  /** A non-empty string, e.g. the path of an image. */
  readonly id: string;
  readonly embedding: Embedding;
  /** What else to store, e.g. the size of a file; must be serializable as JSON. None by default. */
  readonly metadata?: EntryMetadata;
}

/** An entry that a search has found. */
export interface Neighbor {
  readonly id: string;
  /** The cosine of the angle between its embedding and the query, −1 to 1. */
  readonly score: number;
}

/** Options of `ImageIndex.create`. */
export interface ImageIndexOptions extends Pick<ExecutorOptions, 'threads'> {
  /** The number of elements of an embedding, e.g. 2048 for a ResNet-50; 1 to 65,536. */
  readonly dimensions: number;
  /**
   * How the vectors are stored: `'float32'` by default, or `'bfloat16'`, which rounds each element to 8 significant
   * bits, for half the memory, and half of it to read in a search. Queries are float32 in both cases.
   */
  readonly precision?: VectorPrecision;
  /** The name of the model that computes the embeddings. The index only stores it. */
  readonly model?: string;
}

/** Options of `ImageIndex.open`. */
export interface ImageIndexOpenOptions extends Pick<ExecutorOptions, 'threads'> {
  readonly signal?: AbortSignal;
}

/** Options of `ImageIndex.search`. */
export interface SearchOptions {
  /** The number of neighbors of each query; 10 by default. A smaller index returns all its entries. */
  readonly topk?: number;
  readonly signal?: AbortSignal;
}

/** How far `ImageIndex.duplicates` has come, in pairs of entries. */
export interface DuplicatesProgress {
  readonly compared: number;
  readonly total: number;
}

/** Options of `ImageIndex.duplicates`. */
export interface DuplicatesOptions {
  /** The smallest cosine of two near-duplicates, 0 to 1; 0.95 by default. */
  readonly threshold?: number;
  readonly signal?: AbortSignal;
  /** Called after each part of the comparison. */
  readonly onProgress?: (progress: DuplicatesProgress) => void;
}

/** Options of `ImageIndex.save`. */
export interface SaveOptions {
  readonly signal?: AbortSignal;
}
