import { deriveInput } from './mutate';
import { Random } from '../support/random';
import type { Seed, Target } from './target';

/** The input of a number: the seeds themselves first, so that valid inputs are known to be accepted. */
export function inputOf(target: Target, seeds: readonly Seed[], index: number): Buffer {
  return index < seeds.length
    ? Buffer.from(seeds[index]!.bytes)
    : deriveInput(target, seeds, new Random(index));
}
