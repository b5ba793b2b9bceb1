import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { shardName, type Scoring } from '../../src/pseudo-labels/shard-info';
import { writeScoreFile } from '../../src/pseudo-labels/write-score-file';
import { Random } from './random';

/** An image, and its classes with their scores, best first. */
export interface ScoredImage {
  readonly image: string;
  readonly classes: readonly number[];
  readonly scores: readonly number[];
}

/** What generated scores depend on. */
export function scoringOf(classes: number, classesPerImage: number): Scoring {
  return {
    conditions: { model: 'none', precision: 'float32', classes, classesPerImage },
    probe: [1, 2, 3],
  };
}

/** Scores of few different values, so that many are equal. */
export function generateScores(
  count: number,
  classes: number,
  classesPerImage: number,
  seed: number,
): ScoredImage[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => {
    const first = Math.floor(random.next() * classes);
    const scores = Array.from({ length: classesPerImage }, () =>
      Math.fround(Math.floor(random.next() * 100) / 100),
    );
    return {
      image: `${(i * 7919) % count}/é-${i}.jpg`,
      classes: scores.map((_, rank) => (first + 3 * rank) % classes),
      scores: scores.toSorted((a, b) => b - a),
    };
  });
}

/** Writes the scores of images as shards, the last of which is smaller, and returns their paths. */
export async function writeShards(
  directory: string,
  images: readonly ScoredImage[],
  count: number,
  scoring: Scoring,
): Promise<string[]> {
  await mkdir(directory, { recursive: true });
  const size = Math.ceil(images.length / count);
  const ranks = Array.from({ length: scoring.conditions.classesPerImage }, (_, rank) => rank);
  const paths: string[] = [];
  for (let shard = 0; shard < count; shard++) {
    const part = images.slice(shard * size, (shard + 1) * size);
    const path = join(directory, shardName(shard));
    const rows = {
      images: part.map(({ image }) => image),
      classes: ranks.map((rank) => Int32Array.from(part, (one) => one.classes[rank]!)),
      scores: ranks.map((rank) => Float32Array.from(part, (one) => one.scores[rank]!)),
    };
    await writeScoreFile(path, [rows], {
      ...{ scoring, pool: {}, shard, isLast: shard === count - 1 },
      ...{ images: part.length, names: '', unreadable: [] },
    });
    paths.push(path);
  }
  return paths;
}
