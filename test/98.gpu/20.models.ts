import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Classifier, type OpenOptions } from '../../src/classify';
import { Tensor } from '../../src/torch';
import { makeNet, pictures } from '../support/convolutions';
import { saveGenerated } from '../support/generated-model';
import { apart, onGpu } from '../support/gpu';
import { noise } from '../support/pixels';
import { temporaryFolder } from '../support/temporary';

/** How far logits may be from those of float32 on the CPU, as a part of the largest. */
const tolerances = { float32: 1e-3, tf32: 2e-2, float16: 2e-2, bfloat16: 6e-2 } as const;

for (const architecture of ['resnet18', 'resnet50', 'resnext50_32x4d'] as const) {
  describe(`${architecture} on a GPU`, function () {
    this.timeout(300_000);
    onGpu();
    const temporary = temporaryFolder();
    let cpu: Classifier;
    let path: string;
    const images = [noise(300, 200, 3), noise(640, 480, 3), noise(100, 300, 1), noise(224, 224, 4)];

    beforeEach(async () => {
      path = await saveGenerated(join(temporary.path, `${architecture}.pt`), architecture);
      cpu = await Classifier.open(path, { device: 'cpu', plan: 'interpreter' });
    });
    afterEach(() => cpu.close());
    const open = (options: OpenOptions) => Classifier.open(path, { device: 'cuda', ...options });

    for (const [precision, tolerance] of Object.entries(tolerances)) {
      it(`gives the CPU's logits in ${precision}, within ${tolerance} of the largest`, async () => {
        await using gpu = await open({ precision: precision as keyof typeof tolerances });
        assert.equal(gpu.plan.kind, 'graph', gpu.plan.reason);
        console.log(`      ${gpu.plan.reason}`);
        using given = await gpu.logits(images);
        using expected = await cpu.logits(images);
        const difference = apart(await given.data(), await expected.data());
        console.log(`      ${difference.toExponential(1)} of the largest`);
        assert.ok(difference <= tolerance, String(difference));
      });
    }

    it('gives them for batches of all sizes, and tensors from either side', async () => {
      await using gpu = await open({});
      for (const count of [1, 2, 3, 7, 16, architecture === 'resnet18' ? 300 : 32]) {
        using input = pictures([count, 3, 224, 224], count);
        using there = input.to({ device: 'cuda' });
        using expected = await cpu.forward(input);
        for (const one of [input, there]) {
          using given = await gpu.forward(one);
          assert.equal(given.device, 'cuda:0');
          assert.ok(apart(await given.data(), await expected.data()) < 1e-3);
        }
      }
    });

    it('gives the features and the classes', async () => {
      await using gpu = await open({});
      const [given, expected] = [await gpu.embed(images), await cpu.embed(images)];
      for (const [i, features] of given.entries()) assert.ok(apart(features, expected[i]!) < 1e-3);
      const [best, wanted] = [await gpu.classify(images), await cpu.classify(images)];
      assert.deepEqual(
        best.map(([one]) => one!.index),
        wanted.map(([one]) => one!.index),
      );
    });

    it('answers many calls at a time', async () => {
      await using gpu = await open({ precision: 'float16' });
      const expected = await cpu.classify(images);
      const calls = Array.from({ length: 200 }, (_, i) => gpu.classify(images[i % images.length]!));
      const right = (await Promise.all(calls)).filter(
        ([best], i) => best!.index === expected[i % images.length]![0]!.index,
      );
      assert.ok(right.length >= 190, String(right.length));
    });

    it('runs by TorchScript too', async () => {
      await using gpu = await open({ plan: 'interpreter' });
      using given = await gpu.logits(images);
      using expected = await cpu.logits(images);
      assert.ok(apart(await given.data(), await expected.data()) < 1e-3);
    });

    it('tells of too little memory, and answers a smaller batch', async () => {
      await using gpu = await open({});
      // Its first activations alone take 147 GB.
      await using net = await makeNet([
        'return torch.zeros([16, 3, 12000, 12000], device=x.device) + x',
      ]);
      using one = Tensor.from([1]).to({ device: 'cuda' });
      using huge = await net.forward(one);
      await assert.rejects(gpu.forward(huge), { code: 'ERR_SEMISUP_DEVICE_MEMORY' });
      assert.equal((await gpu.classify(images)).length, images.length);
    });

    it('is closed while it runs, when that is done', async () => {
      const gpu = await open({});
      using input = pictures([4, 3, 224, 224]);
      const answers = Promise.all(Array.from({ length: 20 }, () => gpu.forward(input)));
      await gpu.close();
      for (const logits of await answers) {
        assert.equal((await logits.data()).length, 4 * 1000);
        logits.dispose();
      }
    });
  });
}
