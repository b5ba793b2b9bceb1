import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeviceError, OptionError } from '../../src/errors';
import { Tensor } from '../../src/native';
import { ScriptModule, type Plan, type PlanOptions, sharedExecutor } from '../../src/torch';
import { makeNet, syntheticImages } from '../support/convolutions';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { fakeGpu } from '../support/fake-gpu';
import { temporaryDirectory } from '../support/temporary';

const side = 9;
const transform = {
  resize: side,
  crop: side,
  mean: [0.4, 0.5, 0.6],
  std: [0.2, 0.3, 0.25],
} as const;

/** A network with a residual and two outputs per image. */
const forward = [
  'y = torch.relu(torch.conv2d(x, self.a, self.biasOfA, [1, 1], [1, 1]))',
  'z = torch.relu(torch.conv2d(y, self.b, None, [1, 1], [1, 1], [1, 1], 2) + y)',
  'z = torch.max_pool2d(z, [3, 3], [2, 2], [1, 1])',
  'return torch.linear(torch.flatten(torch.adaptive_avg_pool2d(z, [1, 1]), 1), self.w, self.v)',
];
const weights = {
  ...{ a: [8, 3, 3, 3], biasOfA: [8], b: [8, 4, 3, 3] },
  ...{ w: [2, 8], v: [2] },
};

describe('GPU plan', function () {
  this.timeout(120_000);
  const fake = fakeGpu();
  const directory = temporaryDirectory();
  temporaryEnvironment(() => ({
    FAKE_GPU_LOG: join(directory.path, 'log'),
    FAKE_GPU_FAILS: undefined,
    FAKE_GPU_FUSED: undefined,
  }));

  const log = async () => (await readFile(join(directory.path, 'log'), 'utf8')).trim().split('\n');
  const countInLog = async (operation: string) =>
    (await log()).filter((line) => line === operation).length;

  const makeTestNet = () => makeNet(forward, weights);
  const example = {
    shape: [3, side, side],
    transform,
    createBatch: () => Promise.resolve(byteImages(2)),
  };
  async function planOf(net: ScriptModule, options: PlanOptions = {}): Promise<Plan> {
    return await net.plan('forward', example, options, await fake.open());
  }

  it('matches TorchScript for all batch sizes', async () => {
    await using net = await makeTestNet();
    const plan = await planOf(net);
    await using interpreted = await makeTestNet();
    assert.equal(plan.kind, 'graph');
    for (const images of [1, 2, 3, 5, 8, 257]) {
      using input = syntheticImages([images, 3, side, side], images);
      await assertSame(await net.forward(input), await interpreted.forward(input));
    }
  });

  it('normalizes images of bytes', async () => {
    await using net = await makeTestNet();
    await planOf(net);
    await using interpreted = await makeTestNet();
    for (const images of [1, 3]) {
      using input = byteImages(images);
      using normalized = await normalize(input);
      await assertSame(await net.forward(input), await interpreted.forward(normalized));
    }
  });

  it('captures one graph per power of two, with shared memory', async () => {
    await using net = await makeTestNet();
    await planOf(net);
    const before = await log();
    assert.deepEqual(
      before.filter((line) => line !== 'replay'),
      ['release', 'capture', 'release'],
    );
    for (const images of [3, 4, 3, 1]) {
      using input = byteImages(images);
      (await net.forward(input)).dispose();
    }
    assert.equal(await countInLog('capture'), 1);
    assert.equal(await countInLog('capture in a family'), 1);
    using floats = syntheticImages([4, 3, side, side]);
    (await net.forward(floats)).dispose();
    assert.equal(await countInLog('capture in a family'), 2);
  });

  it('runs a batch by one replay', async () => {
    await using net = await makeTestNet();
    await planOf(net);
    using input = byteImages(1);
    const before = await countInLog('replay');
    (await net.forward(input)).dispose();
    assert.equal((await countInLog('replay')) - before, 1);
  });

  it('isolates concurrent batches', async () => {
    await using net = await ScriptModule.load(await saveNet(directory.path), { instances: 3 });
    await planOf(net);
    await using interpreted = await makeTestNet();
    const inputs = Array.from({ length: 24 }, (_, i) => byteImages(1 + (i % 5), i));
    const outputs = await Promise.all(inputs.map((input) => net.forward(input)));
    for (const [i, input] of inputs.entries()) {
      using normalized = await normalize(input);
      await assertSame(outputs[i]!, await interpreted.forward(normalized));
    }
  });

  it('reports the execution, the latency and unavailable optimizations', async () => {
    await using net = await makeTestNet();
    const plan = await planOf(net);
    assert.equal(plan.precision, 'float32');
    assert.match(plan.reason, /^One image takes [\d.e-]+ ms as a CUDA graph, with cuDNN's conv/);
    assert.match(plan.reason, /fused convolutions cannot be used: cuDNN has no such convolution/);
    assert.ok(plan.measured!.latency > 0);
  });

  it('uses the fused convolutions of cuDNN if their results match', async () => {
    setEnvironment({ FAKE_GPU_FUSED: 'right' });
    await using net = await makeTestNet();
    const plan = await planOf(net);
    assert.doesNotMatch(plan.reason, /cannot be used/);
    assert.ok((await countInLog('fused convolution')) >= 4);
    await using interpreted = await makeTestNet();
    using input = syntheticImages([3, 3, side, side]);
    await assertSame(await net.forward(input), await interpreted.forward(input));
  });

  it('does not use fused convolutions if memory is insufficient', async () => {
    setEnvironment({ FAKE_GPU_FUSED: 'large' });
    await using net = await makeTestNet();
    const plan = await planOf(net);
    assert.equal(plan.kind, 'graph');
    assert.match(plan.reason, /fused convolutions cannot be used: CUDA out of memory\./);
    using input = byteImages(4);
    assert.deepEqual((await net.forward(input)).shape, [4, 2]);
  });

  it('does not use fused convolutions if their results differ', async () => {
    setEnvironment({ FAKE_GPU_FUSED: 'wrong' });
    await using net = await makeTestNet();
    const plan = await planOf(net);
    assert.equal(plan.kind, 'graph');
    assert.match(
      plan.reason,
      /cannot be used: their results differ from those of unfused convolutions\.$/,
    );
    await using interpreted = await makeTestNet();
    using input = syntheticImages([3, 3, side, side]);
    await assertSame(await net.forward(input), await interpreted.forward(input));
  });

  it('runs without a graph if capture fails', async () => {
    setEnvironment({ FAKE_GPU_FAILS: 'graphs' });
    await using net = await makeTestNet();
    const plan = await planOf(net);
    await using interpreted = await makeTestNet();
    assert.equal(plan.kind, 'planned');
    assert.match(plan.reason, /operator by operator.*No graph could be captured: operation not/s);
    using input = syntheticImages([3, 3, side, side]);
    await assertSame(await net.forward(input), await interpreted.forward(input));
    assert.equal(await countInLog('replay'), 0);
  });

  it('supports reduced precision', async () => {
    await using interpreted = await makeTestNet();
    using input = syntheticImages([2, 3, side, side]);
    for (const precision of ['float16', 'bfloat16', 'tf32'] as const) {
      await using net = await makeTestNet();
      const plan = await planOf(net, { precision });
      assert.equal(plan.precision, precision);
      const tolerance = precision === 'tf32' ? 1e-5 : 2e-2;
      await assertSame(await net.forward(input), await interpreted.forward(input), tolerance);
    }
  });

  it('selects the first precision within the tolerance', async () => {
    await using net = await makeTestNet();
    for (const [tolerance, precision] of [
      [0.05, 'float16'],
      [1e-6, 'tf32'],
    ] as const) {
      assert.equal((await planOf(net, { precision: 'auto', tolerance })).precision, precision);
    }
  });

  it('rejects int8 on a GPU and GPU precisions on the CPU', async () => {
    await using net = await makeTestNet();
    await assert.rejects(planOf(net, { precision: 'int8' }), (error) => {
      assert.ok(error instanceof OptionError);
      assert.match(error.message, /'float16', 'bfloat16', 'tf32', 'float32', 'auto' on a GPU/);
      return true;
    });
    for (const precision of ['float16', 'tf32'] as const) {
      await assert.rejects(net.plan('forward', example, { precision }), {
        code: 'ERR_SEMISUP_OPTION_VALUE',
        message: /on the CPU/,
      });
    }
  });

  it('falls back to the interpreter for unsupported operators', async () => {
    await using net = await makeNet(['return torch.cumsum(x, 1)']);
    const plan = await planOf(net);
    assert.equal(plan.kind, 'interpreter');
    assert.match(plan.reason, /The model cannot be planned: it uses aten::cumsum/);
    await assert.rejects(planOf(net, { precision: 'float16' }), OptionError);
  });

  it('rejects NaN', async () => {
    await using net = await makeNet(['return torch.relu(x) * 1e38 * 1e38 * 0.0']);
    const plan = await planOf(net);
    assert.match(plan.reason, /its results on cpu differ from those on the CPU/);
  });

  it('reports exhausted memory and then runs smaller batches', async () => {
    await using net = await makeTestNet();
    await planOf(net);
    setEnvironment({ FAKE_GPU_FAILS: 'memory' });
    using large = byteImages(16);
    await assert.rejects(net.forward(large), (error) => {
      assert.ok(error instanceof DeviceError);
      assert.equal(error.code, 'ERR_SEMISUP_DEVICE_MEMORY');
      assert.match(error.message, /CUDA out of memory\. Use smaller batches/);
      return true;
    });
    assert.equal((await log()).at(-1), 'release');
    using small = byteImages(1);
    (await net.forward(small)).dispose();
    setEnvironment({ FAKE_GPU_FAILS: undefined });
    (await net.forward(large)).dispose();
  });

  it('reports a lost GPU', async () => {
    await using net = await makeTestNet();
    await planOf(net);
    setEnvironment({ FAKE_GPU_FAILS: 'the device' });
    using input = byteImages(1);
    await assert.rejects(net.forward(input), {
      name: 'DeviceError',
      code: 'ERR_SEMISUP_DEVICE_LOST',
      message: /unspecified launch failure.*Restart the process/s,
    });
  });

  it('completes pending batches on close', async () => {
    const net = await makeTestNet();
    await planOf(net);
    const inputs = Array.from({ length: 8 }, () => byteImages(2));
    const outputs = inputs.map((input) => net.forward(input));
    await net.close();
    for (const output of await Promise.all(outputs)) assert.deepEqual(output.shape, [2, 2]);
  });

  it('reports a GPU or backend library that fails to open', async () => {
    const { native, handle } = await sharedExecutor();
    await assert.rejects(native.openGpu(handle, fake.library, 7), {
      code: 'ERR_SEMISUP_DEVICE_FAILED',
      message: /invalid device ordinal/,
    });
    await assert.rejects(native.openGpu(handle, join(directory.path, 'no.so'), 0), {
      code: 'ERR_SEMISUP_DEVICE_FAILED',
      message: /no\.so: cannot open shared object file/,
    });
    assert.throws(() => native.openGpuSync(handle, process.execPath, 0), DeviceError);
  });
});

/** Synthetic images, uint8 [n, h, w, 3]. */
function byteImages(images: number, seed = 0): Tensor {
  const length = images * side * side * 3;
  const data = Uint8Array.from({ length }, (_, i) => ((i + 7 * seed) * 2654435761) >>> 24);
  return Tensor.from(data, [images, side, side, 3]);
}

/** Normalizes as torchvision does: float32 [n, 3, h, w]. */
async function normalize(images: Tensor): Promise<Tensor> {
  const data = await images.toFloat32();
  const pixels = side * side;
  const nchw = Float32Array.from({ length: data.length }, (_, i) => {
    const image = Math.floor(i / (3 * pixels));
    const channel = Math.floor(i / pixels) % 3;
    const value = data[(image * pixels + (i % pixels)) * 3 + channel]!;
    return (value / 255 - transform.mean[channel]!) / transform.std[channel]!;
  });
  return Tensor.from(nchw, [images.shape[0]!, 3, side, side]);
}

async function saveNet(directory: string): Promise<string> {
  await using net = await makeNet(forward, weights);
  const path = join(directory, 'net.pt');
  await net.save(path);
  return path;
}

/** @param tolerance relative to the largest expected magnitude */
async function assertSame(actual: Tensor, expected: Tensor, tolerance = 1e-5): Promise<void> {
  assert.deepEqual([actual.dtype, actual.shape], [expected.dtype, expected.shape]);
  const [a, b] = [await actual.toFloat32(), await expected.toFloat32()];
  const largest = b.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const difference = a.reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!)), 0);
  assert.ok(difference <= tolerance * largest, `${difference} of ${largest}`);
}
