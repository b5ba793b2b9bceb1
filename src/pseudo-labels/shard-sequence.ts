import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { otherRun } from './errors';
import { shardName, type ShardInfo } from './shard-info';

/** An image's place in the sequence of shards. */
export interface Place {
  readonly shard: number;
  /** Its position within the shard. */
  readonly position: number;
}

type Names = Pick<ShardInfo, 'images' | 'names' | 'isLast'>;

/**
 * Divides a pool into shards, in the order in which its images are named, and checks that existing shards are of the
 * same images.
 */
export class ShardSequence {
  readonly #directory: string;
  readonly #size: number;
  readonly #existing: ReadonlyMap<number, ShardInfo>;
  readonly #names = new Map<number, Names>();
  #hash: Hash | undefined;
  #placed = 0;

  /**
   * @param size the images of a shard
   * @param existing the shards that need not be computed
   */
  constructor(directory: string, size: number, existing: ReadonlyMap<number, ShardInfo>) {
    this.#directory = directory;
    this.#size = size;
    this.#existing = existing;
  }

  /** Places the next image. @throws TrainingError if an existing shard is of other images */
  place(name: string): Place {
    const position = this.#placed % this.#size;
    const shard = (this.#placed - position) / this.#size;
    if (position === 0) this.#endShard(false);
    this.#hash ??= createHash('sha256');
    this.#hash.update(`${name}\0`);
    this.#placed++;
    return { shard, position };
  }

  /** Ends the last shard. @throws TrainingError if an existing shard is of other images */
  end(): void {
    this.#endShard(true);
    const count = Math.ceil(this.#placed / this.#size);
    const beyond = [...this.#existing.keys()].find((shard) => shard >= count);
    if (beyond !== undefined) throw this.#otherImages(beyond);
  }

  /** The names of a shard that has ended. */
  namesOf(shard: number): Names {
    return this.#names.get(shard)!;
  }

  #endShard(isLast: boolean): void {
    if (!this.#hash) return;
    const shard = Math.ceil(this.#placed / this.#size) - 1;
    const names = {
      images: this.#placed - shard * this.#size,
      names: this.#hash.digest('hex'),
      isLast,
    };
    this.#hash = undefined;
    const before = this.#existing.get(shard);
    if (before && (before.names !== names.names || before.isLast !== isLast)) {
      throw this.#otherImages(shard);
    }
    this.#names.set(shard, names);
  }

  #otherImages(shard: number): Error {
    return otherRun(join(this.#directory, shardName(shard)), 'the images of the pool differ');
  }
}
