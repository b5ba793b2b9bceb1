import type { Sliced } from '../checkpoint/slices';
import { proportion, type Proportion } from '../evaluate';
import type { Selection } from '../pseudo-labels';

/** The number of ranks at which curves are computed. */
const maxRanks = 200;

/** The first quartile, the median and the third quartile, interpolated linearly as by NumPy. */
export type Quartiles = readonly [number, number, number];

/** What was selected for a class. */
export interface ClassSummary {
  readonly index: number;
  readonly name: string;
  readonly count: number;
  /** NaN without images, as the others. */
  readonly highest: number;
  readonly median: number;
  readonly lowest: number;
  /** The share of right images among those whose true class is known. */
  readonly precision: Proportion;
}

/** What was selected at a rank. */
export interface RankSummary {
  /** From 1. */
  readonly rank: number;
  /** The number of classes with as many images; the other fields are of these classes. */
  readonly classes: number;
  /** Of the scores at this rank. */
  readonly scores: Quartiles;
  /**
   * The share of right images among the first `rank` ones whose true class is known. If all are known, it is the mean of
   * the precisions of the classes, because each has as many images.
   */
  readonly precision: Proportion;
}

/** The numbers of a selection. */
export interface SelectionSummary {
  readonly classes: readonly ClassSummary[];
  /** The first rank, and others that are evenly spread to the last one of any class. */
  readonly ranks: readonly RankSummary[];
  /** Of all pairs of image and class. */
  readonly precision: Proportion;
  /** The images that were selected for several classes. */
  readonly multiLabelCount: number;
}

/** A count of images whose true class is known, and of the right ones among them. */
interface Tally {
  correct: number;
  total: number;
}

/** @param labels the true classes of images, by name */
export function* summarizeSelection(
  selection: Selection,
  classNames: readonly string[],
  labels: ReadonlyMap<string, string> = new Map(),
): Sliced<SelectionSummary> {
  const counts = classNames.map((_, index) => selection.count(index));
  const maxCount = counts.reduce((max, count) => Math.max(max, count), 0);
  const ranks = curveRanks(maxCount);
  const atRank = ranks.map(() => ({ correct: 0, total: 0, scores: [] as number[] }));
  const classes: ClassSummary[] = [];
  const sum: Tally = { correct: 0, total: 0 };
  for (const [index, name] of classNames.entries()) {
    const scores = new Float32Array(counts[index]!);
    const tally: Tally = { correct: 0, total: 0 };
    let [count, point] = [0, 0];
    for (const pair of selection.pairsOf(index)) {
      scores[count++] = pair.score;
      const label = labels.get(pair.name.toString('utf8'));
      if (label !== undefined) tally.total++;
      if (label === name) tally.correct++;
      if (count === ranks[point]) {
        const target = atRank[point++]!;
        target.scores.push(pair.score);
        add(target, tally);
      }
      if (count % 64 === 0) yield;
    }
    add(sum, tally);
    classes.push({
      ...{ index, name, count },
      ...{ highest: scores[0] ?? NaN, median: quantile(scores, 0.5), lowest: scores.at(-1) ?? NaN },
      precision: proportion(tally.correct, tally.total),
    });
    yield;
  }
  const points: RankSummary[] = [];
  for (const [i, { scores, correct, total }] of atRank.entries()) {
    const sorted = Float32Array.from(scores).sort();
    points.push({
      ...{ rank: ranks[i]!, classes: sorted.length },
      scores: [quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)],
      precision: proportion(correct, total),
    });
    yield;
  }
  return {
    ...{ classes, ranks: points },
    precision: proportion(sum.correct, sum.total),
    multiLabelCount: yield* countMultiLabel(selection),
  };
}

/** The first rank, and the ends of equal parts: round ranks, if `maxCount` is round. */
function curveRanks(maxCount: number): number[] {
  const size = Math.min(maxCount, maxRanks);
  const ends = Array.from({ length: size }, (_, i) => Math.round(((i + 1) * maxCount) / size));
  return ends[0]! > 1 ? [1, ...ends] : ends;
}

function add(target: Tally, { correct, total }: Tally): void {
  target.correct += correct;
  target.total += total;
}

/** @param sorted ascending, or for the median in any order of the two; NaN if empty */
function quantile(sorted: Float32Array, share: number): number {
  const position = share * (sorted.length - 1);
  const low = sorted[Math.floor(position)] ?? NaN;
  const high = sorted[Math.ceil(position)] ?? NaN;
  return low + (high - low) * (position % 1);
}

function* countMultiLabel(selection: Selection): Sliced<number> {
  let [count, done] = [0, 0];
  for (const { classes } of selection.images()) {
    if (classes.length > 1) count++;
    if (++done % 64 === 0) yield;
  }
  return count;
}
