import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { Classifier, type InferenceOptions } from '../../src/classify';
import { DeviceError, ImageError, OptionError } from '../../src/errors';
import { Tensor } from '../../src/native';
import { ScriptModule, type DeviceHandle } from '../../src/torch';
import type { Pixels } from '../../src/types';
import { syntheticImages } from '../support/convolutions';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { fakeGpu } from '../support/fake-gpu';
import { saveGeneratedModel } from '../support/generated-model';
import { noise } from '../support/pixels';
import { temporaryDirectory } from '../support/temporary';

const classes = 1000;

describe('Classifier on a GPU', function () {
  this.timeout(180_000);
  const fake = fakeGpu();
  const temporary = temporaryDirectory();
  temporaryEnvironment(() => ({ FAKE_GPU_FAILS: undefined }));
  let path: string;
  let cpu: Classifier;
  const images = [noise(300, 200, 3), noise(64, 500, 1), noise(224, 224, 4)];

  beforeEach(async () => {
    path = await saveGeneratedModel(join(temporary.path, 'resnet18.pt'), 'resnet18');
    cpu = await Classifier.open(path, { device: 'cpu', plan: 'interpreter' });
  });
  afterEach(() => cpu.close());

  async function open(options: InferenceOptions = {}, device?: DeviceHandle): Promise<Classifier> {
    const module = await ScriptModule.load(path, { device: 'cpu', instances: 2 });
    return await Classifier.of(module, path, options, device ?? (await fake.open()));
  }

  it("matches the CPU's classes, features and logits", async () => {
    await using gpu = await open();
    assert.equal(gpu.plan.kind, 'graph');
    const [actual, expected] = await Promise.all([
      gpu.classify(images, { topk: 7 }),
      cpu.classify(images, { topk: 7 }),
    ]);
    for (const [i, answer] of actual.entries()) {
      assert.deepEqual(
        answer.map(({ index }) => index),
        expected[i]!.map(({ index }) => index),
      );
    }
    for (const [i, features] of (await gpu.embed(images)).entries()) {
      assertClose(features, (await cpu.embed(images))[i]!);
    }
    const maps = await gpu.explain(images);
    for (const [i, map] of (await cpu.explain(images)).entries()) {
      assert.deepEqual([maps[i]!.class.index, maps[i]!.box], [map.class.index, map.box]);
      assertClose(maps[i]!.data, map.data);
    }
    // By gradients, of the module on the CPU.
    const finer = await gpu.explain(images[0]!, { layer: 'layer3' });
    assertClose(finer.data, (await cpu.explain(images[0]!, { layer: 'layer3' })).data);
    const layers = { layers: ['layer4', 'relu'] };
    const pyramids = await gpu.features(images, layers);
    for (const [i, levels] of (await cpu.features(images, layers)).entries()) {
      for (const [level, { layer, data }] of levels.entries()) {
        assert.equal(pyramids[i]![level]!.layer, layer);
        assertClose(pyramids[i]![level]!.data, data);
      }
    }
    using logits = await gpu.logits(images);
    using expectedLogits = await cpu.logits(images);
    assert.deepEqual(logits.shape, [3, classes]);
    assertClose(await logits.data(), await expectedLogits.data());
  });

  it('averages over views', async () => {
    await using gpu = await open({ size: 64 });
    await using expected = await Classifier.open(path, { plan: 'untuned', size: 64 });
    for (const views of ['flip', 'ten-crop'] as const) {
      for (const [i, features] of (await gpu.embed(images, { views })).entries()) {
        assertClose(features, (await expected.embed(images, { views }))[i]!);
      }
    }
  });

  it('accepts float32 tensors', async () => {
    await using gpu = await open();
    using input = syntheticImages([2, 3, 96, 64]);
    using actual = await gpu.forward(input);
    using expected = await cpu.forward(input);
    assertClose(await actual.data(), await expected.data());
  });

  it('runs concurrent calls', async () => {
    await using gpu = await open();
    const expected = await cpu.classify(images);
    const calls = Array.from({ length: 9 }, (_, i) => gpu.classify(images[i % 3]!));
    for (const [i, [best]] of (await Promise.all(calls)).entries()) {
      assert.equal(best!.index, expected[i % 3]![0]!.index);
    }
  });

  it('runs TorchScript with plan: interpreter', async () => {
    const device = await fake.open();
    await using gpu = await open({ plan: 'interpreter' }, device);
    assert.deepEqual(gpu.plan, {
      ...{ kind: 'interpreter', device: device.name, precision: 'float32' },
      reason: `It was requested by plan: 'interpreter'.`,
    });
    assert.deepEqual(await gpu.classify(images), await cpu.classify(images));
  });

  describe('with decode: gpu', () => {
    const loggedDecodes = async () =>
      (await readFile(join(temporary.path, 'log'), 'utf8')).match(/decode \d+/g);
    beforeEach(() => {
      setEnvironment({ FAKE_GPU_LOG: join(temporary.path, 'log') });
    });

    /** The pixels that the fake decoder returns for a file of this size. */
    function fakePixels(width: number, height: number): Pixels {
      const data = new Uint8Array(width * height * 3);
      for (let i = 0; i < width * height; i++) {
        data.set([i % width, Math.floor(i / width), 100], 3 * i);
      }
      return { data, width, height, channels: 3 };
    }
    const encode = (width: number, height: number, progressive = false) =>
      sharp({ create: { width, height, channels: 3, background: 'teal' } })
        .jpeg({ progressive })
        .toBuffer();

    it('resizes JPEGs on the GPU, within a tolerance of the CPU', async () => {
      await using gpu = await open({ decode: 'gpu' });
      for (const [width, height] of [
        [320, 240],
        [250, 700],
        [256, 256],
        [90, 133],
      ] as const) {
        using actual = await gpu.logits(await encode(width, height));
        using expected = await cpu.logits(fakePixels(width, height));
        assertClose(await actual.data(), await expected.data(), 2e-2);
        const features = await gpu.embed(await encode(width, height));
        assertClose(features, await cpu.embed(fakePixels(width, height)), 2e-2);
      }
      assert.equal((await loggedDecodes())!.length, 8);
    });

    it('crops views on the GPU, and averages over them', async () => {
      const size = 64;
      await using gpu = await open({ decode: 'gpu', size });
      await using expected = await Classifier.open(path, { plan: 'untuned', size });
      // An odd number of columns remains beside the crops.
      const inputs = [await encode(401, 300), await encode(90, 133, true)];
      const pixels = [fakePixels(401, 300), inputs[1]!];
      const reference = await expected.embed(pixels, { views: 'ten-crop' });
      for (const [i, features] of (await gpu.embed(inputs, { views: 'ten-crop' })).entries()) {
        assertClose(features, reference[i]!, 2e-2);
      }
    });

    it('decodes other images on the CPU, and preserves the order', async () => {
      await using gpu = await open({ decode: 'gpu' });
      const png = await sharp(await encode(80, 60))
        .png()
        .toBuffer();
      const inputs = [png, await encode(300, 200), await encode(50, 70, true), images[0]!];
      const expectedInputs = [png, fakePixels(300, 200), inputs[2]!, images[0]!];
      using actual = await gpu.logits(inputs);
      using expected = await cpu.logits(expectedInputs);
      const rows = (data: Float32Array) =>
        inputs.map((_, i) => data.subarray(i * classes, (i + 1) * classes));
      for (const [i, row] of rows(await actual.data()).entries()) {
        assertClose(row, rows(await expected.data())[i]!, i === 1 ? 2e-2 : 1e-4);
      }
      assert.deepEqual(await loggedDecodes(), ['decode 2']);
    });

    it('decodes on the CPU with orient, and rejects truncated files', async () => {
      await using gpu = await open({ decode: 'gpu' });
      const jpeg = await encode(64, 48);
      using actual = await gpu.logits(jpeg, { orient: true });
      using expected = await cpu.logits(jpeg);
      assertClose(await actual.data(), await expected.data());
      const large = await sharp(noise(400, 300, 3).data, {
        raw: { width: 400, height: 300, channels: 3 },
      })
        .jpeg()
        .toBuffer();
      await assert.rejects(gpu.classify(large.subarray(0, -2000)), ImageError);
    });

    it('requires nvJPEG and a plan for a GPU', async () => {
      setEnvironment({ FAKE_GPU_FAILS: 'nvJPEG' });
      await assert.rejects(open({ decode: 'gpu' }), {
        code: 'ERR_SEMISUP_DEVICE_FAILED',
        message: /nvJPEG cannot be opened: .*libnvjpeg\.so.*omit decode: 'gpu'/,
      });
      await assert.rejects(open({ decode: 'gpu' }, { name: 'cpu' }), OptionError);
      await assert.rejects(open({ decode: 'gpu', plan: 'interpreter' }), OptionError);
      await assert.rejects(
        Classifier.open(path, { decode: 'nvjpeg' as 'gpu' }),
        /Expected 'cpu' or 'gpu' for decode, but received 'nvjpeg'/,
      );
    });
  });

  it('processes images one at a time if the GPU has too little memory for the batch', async () => {
    await using gpu = await open();
    setEnvironment({ FAKE_GPU_FAILS: 'memory' });
    const actual = await gpu.classify(images);
    const expected = await cpu.classify(images);
    assert.deepEqual(
      actual.map(([best]) => best!.index),
      expected.map(([best]) => best!.index),
    );
    using input = Tensor.from(new Float32Array(4 * 3 * 32 * 32), [4, 3, 32, 32]);
    await assert.rejects(gpu.forward(input), DeviceError);
  });
});

/** @param tolerance relative to the largest absolute value */
function assertClose(actual: Float32Array, expected: Float32Array, tolerance = 1e-4): void {
  assert.equal(actual.length, expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (const [i, value] of actual.entries()) {
    const difference = Math.abs(value - expected[i]!);
    assert.ok(
      difference <= tolerance * largest,
      `the difference is ${difference}, the largest value ${largest}`,
    );
  }
}
