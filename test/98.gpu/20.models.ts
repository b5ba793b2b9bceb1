import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Classifier, type ClassifierOpenOptions } from '../../src/classify';
import { Tensor } from '../../src/native';
import { makeNet, syntheticImages } from '../support/convolutions';
import { saveGeneratedModel } from '../support/generated-model';
import { gpusOrSkip, relativeDifference } from '../support/gpu';
import { noise } from '../support/pixels';
import { temporaryDirectory } from '../support/temporary';

/** The permitted difference from the float32 logits of the CPU, relative to the largest. */
const tolerances = { float32: 1e-3, tf32: 2e-2, float16: 2e-2, bfloat16: 6e-2 } as const;

for (const architecture of ['resnet18', 'resnet50', 'resnext50_32x4d'] as const) {
  describe(`${architecture} on a GPU`, function () {
    this.timeout(300_000);
    gpusOrSkip();
    const temporary = temporaryDirectory();
    let cpu: Classifier;
    let path: string;
    const images = [noise(300, 200, 3), noise(640, 480, 3), noise(100, 300, 1), noise(224, 224, 4)];

    beforeEach(async () => {
      path = await saveGeneratedModel(join(temporary.path, `${architecture}.pt`), architecture);
      cpu = await Classifier.open(path, { device: 'cpu', plan: 'interpreter' });
    });
    afterEach(() => cpu.close());
    const open = (options: ClassifierOpenOptions) =>
      Classifier.open(path, { device: 'cuda', ...options });

    for (const [precision, tolerance] of Object.entries(tolerances)) {
      it(`returns the CPU's logits in ${precision}, within ${tolerance} of the largest`, async () => {
        await using gpu = await open({ precision: precision as keyof typeof tolerances });
        assert.equal(gpu.plan.kind, 'graph', gpu.plan.reason);
        console.log(`      ${gpu.plan.reason}`);
        using actual = await gpu.logits(images);
        using expected = await cpu.logits(images);
        const difference = relativeDifference(await actual.data(), await expected.data());
        console.log(`      ${difference.toExponential(1)} of the largest`);
        assert.ok(difference <= tolerance, String(difference));
      });
    }

    it('returns the logits for batches of all sizes, from tensors on either device', async () => {
      await using gpu = await open({});
      for (const count of [1, 2, 3, 7, 16, architecture === 'resnet18' ? 300 : 32]) {
        using input = syntheticImages([count, 3, 224, 224], count);
        using onGpu = input.to({ device: 'cuda' });
        using expected = await cpu.forward(input);
        for (const tensor of [input, onGpu]) {
          using actual = await gpu.forward(tensor);
          assert.equal(actual.device, 'cuda:0');
          assert.ok(relativeDifference(await actual.data(), await expected.data()) < 1e-3);
        }
      }
    });

    it('returns the features and the classes', async () => {
      await using gpu = await open({});
      const [actual, expected] = [await gpu.embed(images), await cpu.embed(images)];
      for (const [i, features] of actual.entries())
        assert.ok(relativeDifference(features, expected[i]!) < 1e-3);
      const [predictions, expectedPredictions] = [
        await gpu.classify(images),
        await cpu.classify(images),
      ];
      assert.deepEqual(
        predictions.map(([best]) => best!.index),
        expectedPredictions.map(([best]) => best!.index),
      );
    });

    it('runs concurrent calls', async () => {
      await using gpu = await open({ precision: 'float16' });
      const expected = await cpu.classify(images);
      const calls = Array.from({ length: 200 }, (_, i) => gpu.classify(images[i % images.length]!));
      const correct = (await Promise.all(calls)).filter(
        ([best], i) => best!.index === expected[i % images.length]![0]!.index,
      );
      assert.ok(correct.length >= 190, String(correct.length));
    });

    it('runs TorchScript', async () => {
      await using gpu = await open({ plan: 'interpreter' });
      using actual = await gpu.logits(images);
      using expected = await cpu.logits(images);
      assert.ok(relativeDifference(await actual.data(), await expected.data()) < 1e-3);
    });

    it('reports insufficient memory, and then runs a smaller batch', async () => {
      await using gpu = await open({});
      // The activations of the first convolution alone require 147 GB.
      await using net = await makeNet([
        'return torch.zeros([16, 3, 12000, 12000], device=x.device) + x',
      ]);
      using one = Tensor.from([1]).to({ device: 'cuda' });
      using huge = await net.forward(one);
      await assert.rejects(gpu.forward(huge), { code: 'ERR_SEMISUP_DEVICE_MEMORY' });
      assert.equal((await gpu.classify(images)).length, images.length);
    });

    it('completes running calls when it is closed', async () => {
      const gpu = await open({});
      using input = syntheticImages([4, 3, 224, 224]);
      const answers = Promise.all(Array.from({ length: 20 }, () => gpu.forward(input)));
      await gpu.close();
      for (const logits of await answers) {
        assert.equal((await logits.data()).length, 4 * 1000);
        logits.dispose();
      }
    });
  });
}
