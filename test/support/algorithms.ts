import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The letter by which the native side and the tuning cache know each algorithm. */
const letters = {
  onednn: 'd',
  grouped: 'g',
  pointwise: 'p',
  direct: 's',
  winograd2x2: 'v',
  winograd4x4: 'w',
} as const;

export type Algorithm = keyof typeof letters;

export const algorithms = Object.keys(letters) as Algorithm[];

/** The algorithms of an int8 plan. */
export const int8Algorithms = ['onednn', 'direct'] as const satisfies readonly Algorithm[];

export interface AlgorithmSelection {
  readonly latency: readonly Algorithm[];
  readonly throughput: readonly Algorithm[];
  readonly subBatch: number;
  /** Of the plan; float32 by default. */
  readonly precision?: 'float32' | 'int8';
}

/** `choices` as the tuning cache stores them. */
export function toChoices(selection: AlgorithmSelection) {
  const { latency, throughput, subBatch, precision } = selection;
  const encode = (names: readonly Algorithm[]) =>
    names.map((name) => encodeAlgorithm(name, precision)).join('');
  return { alone: encode(latency), part: encode(throughput), partSize: subBatch };
}

/** Algorithm selections that the tuning cache must reject. */
export const invalidChoices: readonly unknown[] = [
  { alone: 'x', part: 'd', partSize: 1 },
  { alone: 'd', part: 'd\n', partSize: 1 },
  { alone: 'd', part: 'd', partSize: 65 },
  { alone: 'd', part: 'd', partSize: 1.5 },
  { alone: 'd', part: 'd', partSize: -1 },
  { alone: ['d'], part: 'd', partSize: 1 },
];

/** The algorithms that a plan selected to minimise latency. */
export function latencyAlgorithms(choices: { readonly alone: string }): Algorithm[] {
  return Array.from(choices.alone, (letter) =>
    algorithms.find((name) => letters[name] === letter)!,
  );
}

/** How many milliseconds one image takes. */
export function latencyOf(measured: { readonly alone: number }): number {
  return measured.alone;
}

/** Rewrites the only tuning in the cache: every convolution that supports `algorithm` uses it. */
export async function selectEverywhere(
  cache: string,
  algorithm: Algorithm,
  precision: 'float32' | 'int8' = 'float32',
): Promise<void> {
  const plans = join(cache, 'semisup', 'plans');
  const [name] = await readdir(plans);
  const tuning = JSON.parse(await readFile(join(plans, name!), 'utf8')) as {
    choices: { alone: string };
  };
  const selected = Array.from(tuning.choices.alone, () => algorithm);
  const subBatch = algorithm === 'onednn' ? 1 : 2;
  const choices = toChoices({ latency: selected, throughput: selected, subBatch, precision });
  await writeFile(join(plans, name!), JSON.stringify({ ...tuning, choices }));
}

function encodeAlgorithm(name: Algorithm, precision: 'float32' | 'int8' = 'float32'): string {
  return precision === 'int8' && name === 'direct' ? 'b' : letters[name];
}
