import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Classifier, type RunOptions } from '../../src/classify';
import { DeviceError } from '../../src/errors';
import { ScriptModule, Tensor, type OpenDevice } from '../../src/torch';
import { pictures } from '../support/convolutions';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { fakeGpu } from '../support/fake-gpu';
import { generatedState } from '../support/generated-checkpoint';
import { noise } from '../support/pixels';
import { buildTorchScript, card } from '../../src/models';
import { temporaryFolder } from '../support/temporary';

const classes = 1000;

describe('classifiers on a GPU', function () {
  this.timeout(180_000);
  const fake = fakeGpu();
  const temporary = temporaryFolder();
  temporaryEnvironment(() => ({ FAKE_GPU_FAILS: undefined }));
  let path: string;
  let cpu: Classifier;
  const images = [noise(300, 200, 3), noise(64, 500, 1), noise(224, 224, 4)];

  beforeEach(async () => {
    path = join(temporary.path, 'resnet18.pt');
    await buildTorchScript({
      card: { ...card('resnet18_swsl'), licence: null },
      state: generatedState('resnet18'),
      source: { file: 'by formula', sha256: '0'.repeat(64) },
      path,
    });
    cpu = await Classifier.open(path, { device: 'cpu', plan: 'plain' });
  });
  afterEach(() => cpu.close());

  async function open(options: RunOptions = {}, device?: OpenDevice): Promise<Classifier> {
    const module = await ScriptModule.load(path, { device: 'cpu', instances: 2 });
    return await Classifier.of(module, path, options, device ?? (await fake.open()));
  }

  it('answer as on the CPU: classes, features and logits', async () => {
    await using gpu = await open();
    assert.equal(gpu.plan.kind, 'graph');
    const [given, expected] = await Promise.all([
      gpu.classify(images, { topk: 7 }),
      cpu.classify(images, { topk: 7 }),
    ]);
    for (const [i, answer] of given.entries()) {
      assert.deepEqual(
        answer.map(({ index }) => index),
        expected[i]!.map(({ index }) => index),
      );
    }
    for (const [i, features] of (await gpu.embed(images)).entries()) {
      assertClose(features, (await cpu.embed(images))[i]!);
    }
    using logits = await gpu.logits(images);
    using wanted = await cpu.logits(images);
    assert.deepEqual(logits.shape, [3, classes]);
    assertClose(await logits.data(), await wanted.data());
  });

  it('run tensors of float32 too', async () => {
    await using gpu = await open();
    using input = pictures([2, 3, 96, 64]);
    using given = await gpu.forward(input);
    using expected = await cpu.forward(input);
    assertClose(await given.data(), await expected.data());
  });

  it('answer many calls at a time', async () => {
    await using gpu = await open();
    const expected = await cpu.classify(images);
    const calls = Array.from({ length: 40 }, (_, i) => gpu.classify(images[i % 3]!));
    for (const [i, [best]] of (await Promise.all(calls)).entries()) {
      assert.equal(best!.index, expected[i % 3]![0]!.index);
    }
  });

  it('run by TorchScript where that is asked for', async () => {
    const device = await fake.open();
    await using gpu = await open({ plan: 'plain' }, device);
    assert.deepEqual(gpu.plan, {
      ...{ kind: 'plain', device: device.name, precision: 'float32' },
      reason: 'It was asked for.',
    });
    assert.deepEqual(await gpu.classify(images), await cpu.classify(images));
  });

  it('answer an image at a time where memory does not suffice for all', async () => {
    await using gpu = await open();
    setEnvironment({ FAKE_GPU_FAILS: 'memory' });
    const given = await gpu.classify(images);
    const expected = await cpu.classify(images);
    assert.deepEqual(
      given.map(([best]) => best!.index),
      expected.map(([best]) => best!.index),
    );
    using input = Tensor.from(new Float32Array(4 * 3 * 32 * 32), [4, 3, 32, 32]);
    await assert.rejects(gpu.forward(input), DeviceError);
  });
});

function assertClose(given: Float32Array, expected: Float32Array): void {
  assert.equal(given.length, expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (const [i, value] of given.entries()) {
    const difference = Math.abs(value - expected[i]!);
    assert.ok(difference <= 1e-4 * largest, `${difference} of ${largest}`);
  }
}
