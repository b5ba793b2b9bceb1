import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { batch } from '../../src/image/batch';
import { decode } from '../../src/image/decode';
import { buildTorchScript } from '../../src/convert';
import { cards } from '../../src/models';
import { architectures, resnet, type ArchitectureName } from '../../src/models/resnet';
import { tensorsOf } from '../../src/convert/state';
import { imagenetTransform } from '../../src/models/transform';
import { Tensor } from '../../src/native';
import { ScriptModule } from '../../src/torch';
import type { ModuleSpec } from '../../src/types';
import { generatedImage, generatedState } from '../support/generated-checkpoint';
import { photoOrSkip } from '../support/photos';
import { planExample } from '../support/plans';

interface Summary {
  every: number;
  values: number[];
  largest: number;
  sum: number;
}
interface Golden {
  parameters: number;
  names: string;
  features: Summary;
  pyramid: ({ shape: number[] } & Summary)[];
  logits: { image: Summary; photo: Summary };
}
const goldens = JSON.parse(readFileSync(join(__dirname, 'goldens.json'), 'utf8')) as {
  photo: string;
  architectures: Record<ArchitectureName, Golden>;
};

for (const architecture of Object.keys(architectures) as ArchitectureName[]) {
  const golden = goldens.architectures[architecture];
  const spec = resnet(architectures[architecture]);

  describe(architecture, function () {
    this.timeout(120_000);
    let directory: string;
    let module: ScriptModule;

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
      const path = join(directory, `${architecture}.pt`);
      await buildTorchScript({
        card: cards.find((card) => card.architecture === architecture)!,
        state: generatedState(architecture),
        source: { file: 'generated', sha256: '0'.repeat(64) },
        path,
      });
      module = await ScriptModule.load(path);
    });
    after(async () => {
      await module?.close();
      await rm(directory, { recursive: true, force: true });
    });

    it('has the number of parameters that its cards state', () => {
      assert.equal(countParameters(spec), golden.parameters);
      for (const card of cards.filter((card) => card.architecture === architecture)) {
        assert.equal(card.parameters, golden.parameters);
      }
    });

    it('names its tensors as PyTorch does, in the same order', () => {
      const names = [...tensorsOf(spec).keys()].join('\n');
      assert.equal(createHash('sha256').update(names).digest('hex'), golden.names);
    });

    it("returns PyTorch's logits for a generated image", async () => {
      using image = generatedImage();
      using logits = await module.forward(image);
      await assertMatches(logits, golden.logits.image);
    });

    it("returns PyTorch's features", async () => {
      using image = generatedImage();
      using features = await module.call('features', image);
      await assertMatches(features, golden.features);
    });

    it("returns PyTorch's feature pyramid with a plan", async function () {
      using image = generatedImage();
      const plan = { precision: 'float32', plan: 'untuned' } as const;
      const { kind, reason } = await module.plan('pyramid', planExample([3, 224, 224]), plan);
      assert.equal(kind, 'planned', reason);
      const maps = await module.call<Tensor[]>('pyramid', image);
      try {
        const expected = golden.pyramid.map(({ shape }) => [1, ...shape]);
        assert.deepEqual(
          maps.map(({ shape }) => shape),
          expected,
        );
        const differences = [];
        for (const [i, map] of maps.entries()) {
          differences.push(await assertMatches(map, golden.pyramid[i]!));
        }
        this.test!.title += ` (largest difference: ${Math.max(...differences).toExponential(1)} of the largest value)`;
      } finally {
        for (const map of maps) map.dispose();
      }
    });

    it('returns the logits, and maps of the classes whose mean plus the bias is the logit', async () => {
      using image = generatedImage();
      using logits = await module.forward(image);
      using maps = await module.call('class_maps', image);
      const [expected, row] = [await logits.data(), (await maps.data()) as Float32Array];
      assert.equal(row.length, 1000 * (1 + 7 * 7));
      assert.deepEqual(row.slice(0, 1000), expected);
      const { 'fc.bias': bias } = await module.parameters();
      const biases = (await bias!.data()) as Float32Array;
      const means = Float32Array.from({ length: 1000 }, (_, i) => {
        const map = row.subarray(1000 + 49 * i, 1000 + 49 * (i + 1));
        return map.reduce((sum, value) => sum + value, 0) / 49 + biases[i]!;
      });
      using sums = Tensor.from(means, [1, 1000]);
      await assertMatches(sums, golden.logits.image);
    });

    it("returns PyTorch's logits for a photo", async function () {
      const path = photoOrSkip(this, goldens.photo);
      using input = await batch(module.executor, [await decode(path)], imagenetTransform);
      using logits = await module.forward(input);
      await assertMatches(logits, golden.logits.photo);
    });

    it("returns PyTorch's logits with a plan", async function () {
      using image = generatedImage();
      const plan = { precision: 'float32', plan: 'untuned' } as const;
      const { kind, reason } = await module.plan('forward', planExample([3, 224, 224]), plan);
      assert.equal(kind, 'planned', reason);
      using logits = await module.forward(image);
      const difference = await assertMatches(logits, golden.logits.image);
      this.test!.title += ` (largest difference: ${difference.toExponential(1)} of the largest logit)`;
    });
  });
}

function countParameters(spec: ModuleSpec): number {
  const own = Object.values(spec.parameters ?? {}).map(({ shape }) =>
    shape.reduce((count, length) => count * length, 1),
  );
  const nested = Object.values(spec.modules ?? {}).map(countParameters);
  return [...own, ...nested].reduce((sum, count) => sum + count, 0);
}

/**
 * Asserts that all values are within 1e-4 of the largest absolute value.
 *
 * @returns the largest difference, relative to the largest absolute value
 */
async function assertMatches(tensor: Tensor, golden: Summary): Promise<number> {
  const values = [...((await tensor.data()) as Float32Array)];
  const tolerance = golden.largest * 1e-4;
  const assertNear = (actual: number, expected: number, margin: number) => {
    assert.ok(Math.abs(actual - expected) <= margin, `${actual} is not ${expected} ± ${margin}`);
  };
  const { every, values: expectedValues } = golden;
  expectedValues.forEach((expected, i) => {
    assertNear(values[every * i]!, expected, tolerance);
  });
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  assertNear(largest, golden.largest, tolerance);
  assertNear(
    values.reduce((sum, value) => sum + value, 0),
    golden.sum,
    tolerance * values.length ** 0.5,
  );
  const differences = expectedValues.map((expected, i) => Math.abs(values[every * i]! - expected));
  return Math.max(...differences) / golden.largest;
}
