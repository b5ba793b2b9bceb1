import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { Classifier, type RunOptions } from '../../src/classify';
import { DeviceError, ImageError, OptionError } from '../../src/errors';
import { ScriptModule, Tensor, type OpenDevice } from '../../src/torch';
import type { Pixels } from '../../src/types';
import { pictures } from '../support/convolutions';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { fakeGpu } from '../support/fake-gpu';
import { saveGenerated } from '../support/generated-model';
import { noise } from '../support/pixels';
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
    path = await saveGenerated(join(temporary.path, 'resnet18.pt'), 'resnet18');
    cpu = await Classifier.open(path, { device: 'cpu', plan: 'interpreter' });
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
    const calls = Array.from({ length: 9 }, (_, i) => gpu.classify(images[i % 3]!));
    for (const [i, [best]] of (await Promise.all(calls)).entries()) {
      assert.equal(best!.index, expected[i % 3]![0]!.index);
    }
  });

  it('run by TorchScript where that is asked for', async () => {
    const device = await fake.open();
    await using gpu = await open({ plan: 'interpreter' }, device);
    assert.deepEqual(gpu.plan, {
      ...{ kind: 'interpreter', device: device.name, precision: 'float32' },
      reason: `It was requested by plan: 'interpreter'.`,
    });
    assert.deepEqual(await gpu.classify(images), await cpu.classify(images));
  });

  describe('that decodes JPEGs', () => {
    const log = async () =>
      (await readFile(join(temporary.path, 'log'), 'utf8')).match(/decode \d+/g);
    beforeEach(() => {
      setEnvironment({ FAKE_GPU_LOG: join(temporary.path, 'log') });
    });

    /** What the decoder that stands in sees in each file. */
    function seen(width: number, height: number): Pixels {
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

    it('resize them there, nearly as on the CPU', async () => {
      await using gpu = await open({ decode: 'gpu' });
      for (const [width, height] of [
        [320, 240],
        [250, 700],
        [256, 256],
        [90, 133],
      ] as const) {
        using given = await gpu.logits(await encode(width, height));
        using expected = await cpu.logits(seen(width, height));
        assertClose(await given.data(), await expected.data(), 2e-2);
        const features = await gpu.embed(await encode(width, height));
        assertClose(features, await cpu.embed(seen(width, height)), 2e-2);
      }
      assert.equal((await log())!.length, 8);
    });

    it('leave to the CPU what they cannot decode, and keep the order', async () => {
      await using gpu = await open({ decode: 'gpu' });
      const png = await sharp(await encode(80, 60))
        .png()
        .toBuffer();
      const inputs = [png, await encode(300, 200), await encode(50, 70, true), images[0]!];
      const wanted = [png, seen(300, 200), inputs[2]!, images[0]!];
      using given = await gpu.logits(inputs);
      using expected = await cpu.logits(wanted);
      const rows = (data: Float32Array) =>
        inputs.map((_, i) => data.subarray(i * classes, (i + 1) * classes));
      for (const [i, row] of rows(await given.data()).entries()) {
        assertClose(row, rows(await expected.data())[i]!, i === 1 ? 2e-2 : 1e-4);
      }
      assert.deepEqual(await log(), ['decode 2']);
    });

    it('decode by the CPU those to be turned, and refuse what is cut short', async () => {
      await using gpu = await open({ decode: 'gpu' });
      const jpeg = await encode(64, 48);
      using given = await gpu.logits(jpeg, { orient: true });
      using expected = await cpu.logits(jpeg);
      assertClose(await given.data(), await expected.data());
      const large = await sharp(noise(400, 300, 3).data, {
        raw: { width: 400, height: 300, channels: 3 },
      })
        .jpeg()
        .toBuffer();
      await assert.rejects(gpu.classify(large.subarray(0, -2000)), ImageError);
    });

    it('need nvJPEG, and a plan for a GPU', async () => {
      setEnvironment({ FAKE_GPU_FAILS: 'nvJPEG' });
      await assert.rejects(open({ decode: 'gpu' }), {
        code: 'ERR_SEMISUP_DEVICE_FAILED',
        message: /nvJPEG cannot be opened: .*libnvjpeg\.so.*leave out the option decode: 'gpu'/,
      });
      await assert.rejects(open({ decode: 'gpu' }, { name: 'cpu' }), OptionError);
      await assert.rejects(open({ decode: 'gpu', plan: 'interpreter' }), OptionError);
      await assert.rejects(
        Classifier.open(path, { decode: 'nvjpeg' as 'gpu' }),
        /Expected 'cpu' or 'gpu' for decode, but received 'nvjpeg'/,
      );
    });
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

/** @param tolerance as a part of the largest number */
function assertClose(given: Float32Array, expected: Float32Array, tolerance = 1e-4): void {
  assert.equal(given.length, expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (const [i, value] of given.entries()) {
    const difference = Math.abs(value - expected[i]!);
    assert.ok(difference <= tolerance * largest, `${difference} of ${largest}`);
  }
}
