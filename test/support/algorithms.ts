import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConvolutionAlgorithm, PlanChoices } from '../../src/torch';

/** The algorithms of a float32 plan. */
export const floatAlgorithms: readonly ConvolutionAlgorithm[] = [
  'onednn',
  'grouped',
  'depthwise',
  'pointwise',
  'direct',
  'winograd2x2',
  'winograd4x4',
];

/** The algorithms of an int8 or bfloat16 plan; those after 'direct' compute in float32 what that does not support. */
export const reducedAlgorithms: readonly ConvolutionAlgorithm[] = [
  'onednn',
  'direct',
  'grouped',
  'depthwise',
];

/** Rewrites the tunings in the cache: every convolution that supports `algorithm` uses it. */
export async function selectEverywhere(
  cache: string,
  algorithm: ConvolutionAlgorithm,
): Promise<void> {
  await rewriteChoices(cache, ({ latency }) => {
    const algorithms = latency.algorithms.map(() => algorithm);
    const subBatch = algorithm === 'onednn' ? 1 : 2;
    return { latency: { algorithms }, throughput: { algorithms, subBatch } };
  });
}

/** Rewrites the tunings in the cache, which must be of plans with the same convolutions. */
export async function selectChoices(cache: string, choices: PlanChoices): Promise<void> {
  await rewriteChoices(cache, () => choices);
}

async function rewriteChoices(
  cache: string,
  rewrite: (choices: PlanChoices) => PlanChoices,
): Promise<void> {
  const plans = join(cache, 'semisup', 'plans');
  for (const name of await readdir(plans)) {
    const path = join(plans, name);
    const tuning = JSON.parse(await readFile(path, 'utf8')) as { choices: PlanChoices };
    await writeFile(path, JSON.stringify({ ...tuning, choices: rewrite(tuning.choices) }));
  }
}
