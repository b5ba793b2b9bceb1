import { differenceBetween, type Conditions } from '../conditions';
import type { UnreadableImage } from '../evaluate';
import { probeDifference } from './probe';

/** The version of the format of score files. */
const format = 1;

/** What the scores of an image depend on: those of different pools are comparable if it is the same. */
export interface Scoring {
  readonly conditions: Conditions & {
    /** The number of classes of the model. */
    readonly classes: number;
    readonly classesPerImage: number;
  };
  /** The logits of a synthetic image, because metadata do not identify the weights of a model of one's own. */
  readonly probe: readonly number[];
}

/** What the scores of a shard depend on, and its part of the pool: the metadata `semisup` of its file, as JSON. */
export interface ShardInfo {
  readonly scoring: Scoring;
  /** What else the shards of a directory have in common. */
  readonly pool: Conditions;
  /** From 0. */
  readonly shard: number;
  /** Whether the pool ends with it. */
  readonly isLast: boolean;
  /** The images of the pool that it covers, with those that are unreadable. */
  readonly images: number;
  /** The SHA-256 of their names, in hex. */
  readonly names: string;
  readonly unreadable: readonly UnreadableImage[];
}

export function formatShardInfo(info: ShardInfo): string {
  return JSON.stringify({ format, ...info });
}

/** @throws Error if the text is not that of a shard */
export function parseShardInfo(text: string): ShardInfo {
  const info = JSON.parse(text) as ShardInfo & { readonly format: unknown };
  const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
  const { classes, classesPerImage } = info.scoring.conditions;
  const isValid =
    info.format === format &&
    [info.shard, info.images, classes, classesPerImage].every(isCount) &&
    [info.scoring.probe, info.unreadable].every(Array.isArray);
  if (!isValid) throw new Error('its metadata are not those of scores');
  return info;
}

/** The name of the file of a shard. */
export function shardName(shard: number): string {
  return `score-${String(shard).padStart(5, '0')}.parquet`;
}

/** The number of the shard in a file of this name; undefined for other files. */
export function shardOf(name: string): number | undefined {
  const [, digits] = /^score-(\d{5,})\.parquet$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** What makes scores incomparable, as a clause; undefined if nothing does. */
export function scoringDifference(before: Scoring, now: Scoring): string | undefined {
  if (JSON.stringify(before.conditions) !== JSON.stringify(now.conditions)) {
    return differenceBetween(before.conditions, now.conditions);
  }
  return probeDifference(before.probe, now.probe, now.conditions.precision);
}
