import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { batch } from '../../src/image/batch';
import { decode } from '../../src/image/decode';
import { buildTorchScript, cards } from '../../src/models';
import { architectures, resnet, type ArchitectureName } from '../../src/models/resnet';
import { tensorsOf } from '../../src/models/state';
import { imagenetTransform } from '../../src/models/transform';
import { ScriptModule, type Tensor } from '../../src/torch';
import type { ModuleSpec } from '../../src/types';
import { generatedImage, generatedState } from '../support/generated-checkpoint';
import { photoOrSkip } from '../support/photos';

interface Summary {
  every64th: number[];
  largest: number;
  sum: number;
}
interface Golden {
  parameters: number;
  names: string;
  features: Summary;
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
    let folder: string;
    let module: ScriptModule;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'semisup-test-'));
      const path = join(folder, `${architecture}.pt`);
      await buildTorchScript({
        card: cards.find((card) => card.architecture === architecture)!,
        state: generatedState(architecture),
        source: { file: 'formula', sha256: '0'.repeat(64) },
        path,
      });
      module = await ScriptModule.load(path);
    });
    after(async () => {
      await module?.close();
      await rm(folder, { recursive: true, force: true });
    });

    it('has as many parameters as its cards say', () => {
      assert.equal(countParameters(spec), golden.parameters);
      for (const card of cards.filter((one) => one.architecture === architecture)) {
        assert.equal(card.parameters, golden.parameters);
      }
    });

    it("has PyTorch's names in PyTorch's order", () => {
      const names = [...tensorsOf(spec).keys()].join('\n');
      assert.equal(createHash('sha256').update(names).digest('hex'), golden.names);
    });

    it("answers a generated picture with PyTorch's logits", async () => {
      using image = generatedImage();
      using logits = await module.forward(image);
      await assertLike(logits, golden.logits.image);
    });

    it("gives PyTorch's features", async () => {
      using image = generatedImage();
      using features = await module.call('features', image);
      await assertLike(features, golden.features);
    });

    it("answers a photo with PyTorch's logits", async function () {
      const path = photoOrSkip(this, goldens.photo);
      using input = await batch(module.executor, [await decode(path)], imagenetTransform);
      using logits = await module.forward(input);
      await assertLike(logits, golden.logits.photo);
    });
  });
}

function countParameters(spec: ModuleSpec): number {
  const own = Object.values(spec.parameters ?? {}).map(({ shape }) =>
    shape.reduce((count, length) => count * length, 1),
  );
  const below = Object.values(spec.modules ?? {}).map(countParameters);
  return [...own, ...below].reduce((sum, count) => sum + count, 0);
}

/** All within 1e-4 of the largest. */
async function assertLike(tensor: Tensor, golden: Summary): Promise<void> {
  const values = [...((await tensor.data()) as Float32Array)];
  const tolerance = golden.largest * 1e-4;
  const near = (actual: number, expected: number, slack: number) => {
    assert.ok(Math.abs(actual - expected) <= slack, `${actual} is not ${expected} ± ${slack}`);
  };
  golden.every64th.forEach((expected, i) => {
    near(values[64 * i]!, expected, tolerance);
  });
  near(Math.max(...values.map(Math.abs)), golden.largest, tolerance);
  near(
    values.reduce((sum, value) => sum + value, 0),
    golden.sum,
    tolerance * values.length ** 0.5,
  );
}
