import assert from 'node:assert/strict';
import { Tensor } from '../../src/native';
import { type Precision, type ScriptModule, type ScriptValue, openExecutor } from '../../src/torch';
import { floatAlgorithms, selectEverywhere } from './algorithms';
import { makeNet, syntheticImages } from './convolutions';
import { temporaryEnvironment } from './environment';
import { batches, side, weights, type PlanCase } from './plan-cases';
import { temporaryDirectory } from './temporary';

/** Creates a separate tuning cache for each test of a suite. */
export function temporaryTuningCache(): { path: string } {
  const directory = temporaryDirectory();
  // LibTorch may be in the user cache, so it is loaded before XDG_CACHE_HOME changes.
  before(async () => {
    await (await openExecutor()).close();
  });
  temporaryEnvironment(() => ({ XDG_CACHE_HOME: directory.path }));
  return directory;
}

/** Compares the untuned plan, the tuned plan and each algorithm, selected wherever it is supported. */
export async function assertMatchesTorchScript(graph: PlanCase, cache: string): Promise<void> {
  await using net = await makeNet(graph.forward, { ...weights, ...graph.weights });
  const expected = await outputsOf(net, graph);
  const first = await planNet(net, graph, 'untuned');
  if (first.kind === 'interpreter') assert.match(first.reason, graph.reason ?? /: it uses aten::/);
  else assert.equal(graph.reason, undefined);
  assertClose(await outputsOf(net, graph), expected, 1e-4);
  const tuned = await planNet(net, graph, 'tune');
  assertClose(await outputsOf(net, graph), expected, 1e-3);
  // Tuning discards a plan whose outputs differ.
  assert.equal(tuned.kind, first.kind, tuned.reason);
  if (tuned.kind === 'interpreter') return;
  for (const algorithm of floatAlgorithms) {
    await selectEverywhere(cache, algorithm);
    const selected = await planNet(net, graph, 'auto');
    assert.match(selected.reason, /^The tuning was read from the cache/);
    assertClose(await outputsOf(net, graph), expected, 1e-3);
  }
}

export interface NetOutput {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}

export async function outputsOf(
  net: ScriptModule,
  { channels = 16, side: length = side }: PlanCase,
): Promise<NetOutput[]> {
  const outputs: NetOutput[] = [];
  for (const count of batches) {
    using input = syntheticImages([count, channels, length, length], count);
    const output = await net.forward<ScriptValue>(input);
    for (const tensor of tensorsIn(output)) {
      const data = (await tensor.data()) as ArrayLike<number | bigint>;
      outputs.push({ dtype: tensor.dtype, shape: tensor.shape, data });
    }
  }
  return outputs;
}

function tensorsIn(value: ScriptValue): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (Array.isArray(value)) return value.flatMap(tensorsIn);
  return typeof value === 'object' && value !== null
    ? Object.values(value as Record<string, ScriptValue>).flatMap(tensorsIn)
    : [];
}

export async function planNet(
  net: ScriptModule,
  { channels = 16, side: length = side }: PlanCase,
  mode: 'untuned' | 'tune' | 'auto',
  precision: Precision = 'float32',
) {
  return await net.plan('forward', planExample([channels, length, length]), {
    precision,
    plan: mode,
  });
}

export function planExample(shape: readonly number[]) {
  const transform = { resize: 32, crop: 32, mean: [0, 0, 0], std: [1, 1, 1] } as const;
  return {
    shape,
    transform,
    createBatch: () => Promise.resolve(syntheticImages([8, ...shape], 100)),
  };
}

/** @param tolerance relative to the largest expected magnitude */
export function assertClose(
  actual: readonly NetOutput[],
  expected: readonly NetOutput[],
  tolerance: number,
): void {
  assert.equal(actual.length, expected.length);
  for (const [i, { dtype, shape, data }] of expected.entries()) {
    assert.deepEqual([actual[i]!.dtype, actual[i]!.shape], [dtype, shape]);
    let [largest, worst] = [0, 0];
    for (let at = 0; at < data.length; at++) {
      const [wanted, value] = [Number(data[at]), Number(actual[i]!.data[at])];
      largest = Math.max(largest, Math.abs(wanted));
      worst = Math.max(worst, Math.abs(wanted - value));
    }
    assert.ok(worst <= tolerance * largest, `output ${i}: ${worst} of ${largest}`);
  }
}
