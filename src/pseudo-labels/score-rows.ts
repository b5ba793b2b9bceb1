/** The best classes of images, best first: one row for each image. */
export interface ScoreRows<Name = string> {
  readonly images: readonly Name[];
  /** By rank: the class of each image. */
  readonly classes: readonly Int32Array[];
  /** By rank: its softmax. */
  readonly scores: readonly Float32Array[];
}

/** The key of the metadata that this package writes. */
export const metadataKey = 'semisup';
export const imageColumn = 'image';
export const classColumn = (rank: number) => `class_${rank}`;
export const scoreColumn = (rank: number) => `score_${rank}`;

/** 1 to `count`. */
export const ranksTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
