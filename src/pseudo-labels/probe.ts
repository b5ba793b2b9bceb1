import type { Classifier } from '../classify';
import { deadLeavesImages } from '../image';

/**
 * How far the logits of the same weights may be apart, relative to their norm: tuning selects other algorithms in
 * another process, which round differently.
 */
const tolerances: Readonly<Record<string, number>> = { float32: 1e-3 };
const lowPrecisionTolerance = 5e-2;

/** The logits kept, and their decimal places: enough to tell weights apart. */
const [maxLogits, decimals] = [64, 6];

/** The first logits of a model for a synthetic image, which identify its weights. */
export async function probeModel(model: Classifier, signal?: AbortSignal): Promise<number[]> {
  const [logits] = await model.logitRows(await deadLeavesImages(1), { signal });
  if (!(logits instanceof Float32Array)) throw logits!;
  return [...logits.subarray(0, maxLogits)].map((value) => Number(value.toFixed(decimals)));
}

/** Why two probes are not of the same weights, as a clause; undefined if they are. */
export function probeDifference(
  before: readonly number[],
  now: readonly number[],
  precision: unknown,
): string | undefined {
  const norm = (values: readonly number[]) => Math.hypot(...values);
  const distance = norm(now.map((value, i) => value - (before[i] ?? NaN)));
  const tolerance = tolerances[String(precision)] ?? lowPrecisionTolerance;
  return distance <= tolerance * norm(now) ? undefined : 'the weights of the model differ';
}
