import { createHash } from 'node:crypto';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** A generator of pure-rand, which is not named in declarations, so that these need no types of it. */
export interface RandomGenerator {
  next(): number;
  clone(): RandomGenerator;
  getState(): readonly number[];
}

/** What determines the random numbers of a sample. */
export interface SampleSeed {
  /** The seed of the training. */
  readonly seed: number;
  /** The epoch, from 0. */
  readonly epoch: number;
  /** The index of the sample in its dataset, not in the order of the epoch. */
  readonly index: number;
}

/**
 * The random numbers of a sample in an epoch, a xoroshiro128+. They depend on nothing else, so that neither the order
 * in which samples are loaded nor the number of threads changes them, and training that is resumed repeats none.
 */
export function randomOfSample({ seed, epoch, index }: SampleSeed): RandomGenerator {
  return randomOf(`${seed} ${epoch} ${index}`);
}

/** The random numbers of a key. */
export function randomOf(key: string): RandomGenerator {
  // The states of similar keys must not be similar: the generator would mix them too slowly.
  const hash = createHash('sha256').update(key).digest();
  return xoroshiro128plusFromState([0, 4, 8, 12].map((offset) => hash.readInt32LE(offset)));
}

/** A number in [min, max), or `min` if both are equal. */
export function uniform(random: RandomGenerator, [min, max]: NumberRange): number {
  return min + (max - min) * uniformFloat64(random);
}

/** An integer from `min` to `max`, both included. */
export function integer(random: RandomGenerator, min: number, max: number): number {
  return uniformInt(random, min, max);
}

/** Whether an event of this probability happens. */
export function happens(random: RandomGenerator, probability: number): boolean {
  return uniformFloat64(random) < probability;
}

/** The items in a random order (Fisher and Yates). */
export function shuffle<T>(random: RandomGenerator, items: readonly T[]): T[] {
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = integer(random, 0, i);
    [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
  }
  return shuffled;
}

/** The lowest and the highest value. */
export type NumberRange = readonly [min: number, max: number];
