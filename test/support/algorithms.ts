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

/** The algorithms of an int8 or bfloat16 plan. */
export const reducedAlgorithms: readonly ConvolutionAlgorithm[] = ['onednn', 'direct'];

/** Rewrites the only tuning in the cache: every convolution that supports `algorithm` uses it. */
export async function selectEverywhere(
  cache: string,
  algorithm: ConvolutionAlgorithm,
): Promise<void> {
  const plans = join(cache, 'semisup', 'plans');
  const [name] = await readdir(plans);
  const path = join(plans, name!);
  const tuning = JSON.parse(await readFile(path, 'utf8')) as { choices: PlanChoices };
  const algorithms = tuning.choices.latency.algorithms.map(() => algorithm);
  const subBatch = algorithm === 'onednn' ? 1 : 2;
  const choices: PlanChoices = { latency: { algorithms }, throughput: { algorithms, subBatch } };
  await writeFile(path, JSON.stringify({ ...tuning, choices }));
}
