import type { Conditions } from '../conditions';

/** The embedding of an image. */
export interface Row {
  /** Its path. */
  readonly image: string;
  readonly embedding: Float32Array;
}

/** What a format writes. */
export interface EmbeddingTable {
  /** The number of rows, at least 1. */
  readonly size: number;
  /** The number of elements of each embedding. */
  readonly dimensions: number;
  /** What the embeddings depend on: the model, its transform, options. */
  readonly conditions: Conditions;
  /** The rows in their order. Each has memory of its own. */
  rows(): AsyncIterable<Row>;
}
