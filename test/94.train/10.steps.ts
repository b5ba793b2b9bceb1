import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildModule } from '../../src/convert';
import { card } from '../../src/models';
import type { ArchitectureName } from '../../src/models/resnet';
import { Tensor } from '../../src/native';
import { ScriptModule, type Mix, type Trainer, type TrainerSettings } from '../../src/torch';
import { frozenNormalizations, groupParameters } from '../../src/train/parameter-groups';
import { generatedState, uniform } from '../support/generated-checkpoint';

type Summary = Record<string, [sum: number, magnitude: number]>;
interface Training {
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly state: Summary;
  readonly ema?: Summary;
}
const { training: goldens } = JSON.parse(readFileSync(join(__dirname, 'goldens.json'), 'utf8')) as {
  training: Record<string, Training>;
};

const classes = 10;
const side = 64;
const count = 8;

/** The batch of make-goldens.py. */
function batch(step: number): [Tensor<'float32'>, Tensor<'int64'>] {
  const index = step % 5;
  const targets = BigInt64Array.from({ length: count }, (_, i) =>
    BigInt((3 * i + index) % classes),
  );
  return [
    Tensor.from(uniform(1000 + index, count * 3 * side * side, 0, 1), [count, 3, side, side]),
    Tensor.from(targets, [count]),
  ];
}

/** That of make-goldens.py. */
function mix(step: number): Mix {
  const partners = Array.from({ length: count }, (_, i) => (i + count - 1) % count);
  if (step % 2 === 0) return { lambda: 0.3, partners };
  return { lambda: 1 - (25 * 40) / side ** 2, partners, box: [5, 10, 30, 50] };
}

/** How a training differs from that with SGD and the defaults. */
interface Variant {
  readonly architecture?: ArchitectureName;
  readonly optimizer?: TrainerSettings['optimizer'];
  readonly lr?: number;
  readonly groups?: Partial<Parameters<typeof groupParameters>[1]>;
  readonly settings?: Partial<TrainerSettings>;
  readonly freezesBatchNorm?: boolean;
  readonly mixes?: boolean;
  readonly accumulate?: number;
}

const variants: Record<string, Variant> = {
  sgd: {},
  adamw: {
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8 },
    groups: { weightDecay: 0.05 },
    lr: 1e-4,
  },
  bottleneck: { architecture: 'resnet50' },
  labelSmoothing: { settings: { labelSmoothing: 0.1 } },
  mix: { mixes: true, settings: { labelSmoothing: 0.1 } },
  ema: { settings: { emaDecay: 0.9 } },
  accumulate: { accumulate: 3 },
  clipNorm: { settings: { clipNorm: 0.5 } },
  freezeBatchNorm: { freezesBatchNorm: true },
  head: { groups: { trainable: 'head' } },
  lastStage: { groups: { trainable: 'last-stage' } },
  layerDecay: { groups: { layerDecay: 0.5, weightDecay: 0 } },
};

async function open(variant: Variant): Promise<[ScriptModule, Trainer<ScriptModule>]> {
  const { architecture = 'resnet18', optimizer, groups, settings, freezesBatchNorm } = variant;
  const { module } = await buildModule({
    card: { ...card(`${architecture}_swsl`), license: null },
    state: generatedState(architecture, classes),
    source: { file: 'generated', sha256: '0'.repeat(64) },
    numClasses: classes,
  });
  const parameters = Object.entries(await module.parameters());
  const shapes = new Map(parameters.map(([name, { shape }]) => [name, shape]));
  const groupOptions = { trainable: 'all', weightDecay: 1e-2, layerDecay: 1, ...groups } as const;
  const list = groupParameters(shapes, groupOptions);
  const trained = new Set(list.flatMap(({ names }) => names));
  const buffers = Object.keys(await module.buffers());
  const trainer = await module.trainer({
    optimizer: optimizer ?? { name: 'sgd', momentum: 0.9, nesterov: true },
    groups: list,
    evalModules: frozenNormalizations(buffers, trained, freezesBatchNorm === true),
    ...{ labelSmoothing: 0, clipNorm: 0, emaDecay: 0, autocast: false },
    ...settings,
  });
  return [module, trainer];
}

async function summarize(
  state: Record<string, Tensor>,
  prefix: string,
): Promise<Record<string, readonly [number, number]>> {
  const summary: Record<string, readonly [number, number]> = {};
  for (const [name, tensor] of Object.entries(state)) {
    if (!name.startsWith(prefix)) continue;
    let [sum, magnitude] = [0, 0];
    for (const value of await tensor.data()) {
      sum += Number(value);
      magnitude += Math.abs(Number(value));
    }
    summary[name.slice(prefix.length)] = [sum, magnitude];
  }
  return summary;
}

function assertClose(actual: number, expected: number, scale: number, what: string): void {
  const error = Math.abs(actual - expected) / scale;
  assert.ok(error <= 1e-4, `${what}: ${actual} instead of ${expected}, an error of ${error}`);
}

function assertSummary(actual: Record<string, readonly [number, number]>, expected: Summary): void {
  assert.deepEqual(Object.keys(actual).toSorted(), Object.keys(expected).toSorted());
  for (const [name, [sum, magnitude]] of Object.entries(expected)) {
    assertClose(actual[name]![0], sum, Math.max(magnitude, 1e-9), `the sum of ${name}`);
    assertClose(actual[name]![1], magnitude, Math.max(magnitude, 1e-9), name);
  }
}

describe('training steps', function () {
  this.timeout(300_000);

  for (const [name, variant] of Object.entries(variants)) {
    const golden = goldens[name]!;
    const steps = golden.losses.length;
    it(`equal PyTorch's for ${steps} steps: ${name}`, async () => {
      const { lr = 0.02, accumulate = 1 } = variant;
      const [module, trainer] = await open(variant);
      const norms: number[] = [];
      for (let step = 0; step < steps; step++) {
        const [images, targets] = batch(step);
        const { loss, gradientNorm } = await trainer.step(images, targets, {
          ...{ lr, seed: step, lossScale: 1 / accumulate },
          updates: step % accumulate === accumulate - 1,
          mix: variant.mixes ? mix(step) : undefined,
        });
        assertClose(loss, golden.losses[step]!, golden.losses[step]!, `the loss of step ${step}`);
        if (gradientNorm !== undefined) norms.push(gradientNorm);
      }
      assert.equal(norms.length, golden.norms.length);
      norms.forEach((norm, i) => {
        assertClose(norm, golden.norms[i]!, golden.norms[i]!, `the norm of update ${i}`);
      });
      const state = await trainer.state();
      assertSummary(await summarize(state, 'model.'), golden.state);
      assertSummary(await summarize(state, 'ema.'), golden.ema ?? {});
      await module.close();
    });
  }

  it('change no parameter if the loss is not finite', async () => {
    const [module, trainer] = await open({});
    const parameters = async () =>
      await Promise.all(Object.values(await module.parameters()).map((tensor) => tensor.data()));
    const before = await parameters();
    const [images, targets] = batch(0);
    const values = await images.data();
    values[0] = NaN;
    const { loss, gradientNorm } = await trainer.step(
      Tensor.from(values, [count, 3, side, side]),
      targets,
      { lr: 0.1, seed: 0, lossScale: 1, updates: true },
    );
    assert.deepEqual([loss, gradientNorm], [NaN, undefined]);
    assert.deepEqual(await parameters(), before);
    await module.close();
  });

  it('repeat with a seed what is random in the module', async () => {
    const source = `
def forward(self, x):
    return torch.dropout(torch.flatten(x, 1), 0.5, self.training).matmul(self.weight)
`;
    const parameters = { weight: { dtype: 'float32' as const, shape: [48, 3] } };
    await using module = await ScriptModule.create({ type: 'Dropout', source, parameters });
    const weight = uniform(1, 48 * 3, 0, 1);
    await module.fill('weight', new Uint8Array(weight.buffer), {
      ...{ dtype: 'float32', shape: [48, 3], stride: [3, 1] },
    });
    const trainer = await module.trainer({
      optimizer: { name: 'sgd', momentum: 0, nesterov: false },
      groups: [{ names: ['weight'], lrScale: 1, weightDecay: 0 }],
      ...{ evalModules: [], labelSmoothing: 0, clipNorm: 0, emaDecay: 0, autocast: false },
    });
    const lossOf = async (seed: number) => {
      const images = Tensor.from(uniform(2, 2 * 48, 0, 1), [2, 3, 4, 4]);
      const targets = Tensor.from(BigInt64Array.of(0n, 1n), [2]);
      const options = { lr: 0, seed, lossScale: 1, updates: true };
      return (await trainer.step(images, targets, options)).loss;
    };
    const losses = [await lossOf(7), await lossOf(8), await lossOf(7)];
    assert.equal(losses[0], losses[2]);
    assert.notEqual(losses[0], losses[1]);
    // In eval mode nothing is random: the copy has no dropout.
    await using copy = await trainer.copy(false);
    const images = Tensor.from(uniform(2, 2 * 48, 0, 1), [2, 3, 4, 4]);
    const outputs = [await copy.forward(images), await copy.forward(images)];
    assert.deepEqual(await outputs[0]!.data(), await outputs[1]!.data());
  });
});
