import type { Prediction } from '../classify';
import type { ScoreRows } from './score-rows';

/** The scores of the images of a shard while they are computed, in any order. */
export class ShardRows {
  readonly #names: (string | undefined)[] = [];
  readonly #classes: readonly Int32Array[];
  readonly #scores: readonly Float32Array[];

  constructor(images: number, classesPerImage: number) {
    const ranks = Array.from({ length: classesPerImage });
    this.#classes = ranks.map(() => new Int32Array(images));
    this.#scores = ranks.map(() => new Float32Array(images));
  }

  /** @param position that of the image within the shard */
  set(position: number, name: string, predictions: readonly Prediction[]): void {
    this.#names[position] = name;
    for (const [rank, { index, score }] of predictions.entries()) {
      this.#classes[rank]![position] = index;
      this.#scores[rank]![position] = score;
    }
  }

  /** The rows of the images that have scores, in the order of their positions. */
  get(): ScoreRows {
    const positions = [...this.#names.keys()].filter((at) => this.#names[at] !== undefined);
    return {
      images: positions.map((at) => this.#names[at]!),
      classes: this.#classes.map((column) => Int32Array.from(positions, (at) => column[at]!)),
      scores: this.#scores.map((column) => Float32Array.from(positions, (at) => column[at]!)),
    };
  }
}
