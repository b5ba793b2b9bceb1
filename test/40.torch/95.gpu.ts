import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeviceError, OptionError } from '../../src/errors';
import { Executor, ScriptModule, Tensor, type Plan, type PlanOptions } from '../../src/torch';
import { makeNet, pictures } from '../support/convolutions';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { fakeGpu } from '../support/fake-gpu';
import { temporaryFolder } from '../support/temporary';

const side = 9;
const transform = {
  resize: side,
  crop: side,
  mean: [0.4, 0.5, 0.6],
  std: [0.2, 0.3, 0.25],
} as const;

/** With a residual, and two outputs for each image. */
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

describe('plans for a GPU', function () {
  this.timeout(120_000);
  const fake = fakeGpu();
  const temporary = temporaryFolder();
  temporaryEnvironment(() => ({
    FAKE_GPU_LOG: join(temporary.path, 'log'),
    FAKE_GPU_FAILS: undefined,
    FAKE_GPU_FUSED: undefined,
  }));

  const log = async () => (await readFile(join(temporary.path, 'log'), 'utf8')).trim().split('\n');
  const count = async (line: string) => (await log()).filter((one) => one === line).length;

  const makeTestNet = () => makeNet(forward, weights);
  const example = {
    shape: [3, side, side],
    transform,
    createBatch: () => Promise.resolve(bytes(2)),
  };
  async function planOf(net: ScriptModule, options: PlanOptions = {}): Promise<Plan> {
    return await net.plan('forward', example, options, await fake.open());
  }

  it('give what TorchScript gives, for batches of all sizes', async () => {
    await using net = await makeTestNet();
    const plan = await planOf(net);
    await using plain = await makeTestNet();
    assert.equal(plan.kind, 'graph');
    for (const images of [1, 2, 3, 5, 8, 257]) {
      using input = pictures([images, 3, side, side], images);
      await assertSame(await net.forward(input), await plain.forward(input));
    }
  });

  it('normalise images that come as bytes', async () => {
    await using net = await makeTestNet();
    await planOf(net);
    await using plain = await makeTestNet();
    for (const images of [1, 3]) {
      using input = bytes(images);
      using normalised = await normalise(input);
      await assertSame(await net.forward(input), await plain.forward(normalised));
    }
  });

  it('are recorded once for each power of two, and share memory', async () => {
    await using net = await makeTestNet();
    await planOf(net);
    const before = await log();
    assert.deepEqual(
      before.filter((line) => line !== 'replay'),
      ['release', 'capture', 'release'],
    );
    for (const images of [3, 4, 3, 1]) {
      using input = bytes(images);
      (await net.forward(input)).dispose();
    }
    assert.equal(await count('capture'), 1);
    assert.equal(await count('capture in a family'), 1);
    using floats = pictures([4, 3, side, side]);
    (await net.forward(floats)).dispose();
    assert.equal(await count('capture in a family'), 2);
  });

  it('run a batch by one replay', async () => {
    await using net = await makeTestNet();
    await planOf(net);
    using input = bytes(1);
    const before = await count('replay');
    (await net.forward(input)).dispose();
    assert.equal((await count('replay')) - before, 1);
  });

  it('keep batches apart that are under way together', async () => {
    await using net = await ScriptModule.load(await saved(temporary.path), { instances: 3 });
    await planOf(net);
    await using plain = await makeTestNet();
    const inputs = Array.from({ length: 24 }, (_, i) => bytes(1 + (i % 5), i));
    const given = await Promise.all(inputs.map((input) => net.forward(input)));
    for (const [i, input] of inputs.entries()) {
      using normalised = await normalise(input);
      await assertSame(given[i]!, await plain.forward(normalised));
    }
  });

  it('tell how an image runs, what it takes and what could not be had', async () => {
    await using net = await makeTestNet();
    const plan = await planOf(net);
    assert.equal(plan.precision, 'float32');
    assert.match(plan.reason, /^One image takes [\d.e-]+ ms as a CUDA graph, by cuDNN's conv/);
    assert.match(plan.reason, /fused convolutions cannot be used: cuDNN has no such convolution/);
    assert.ok(plan.measured!.latency > 0);
  });

  it("have cuDNN's convolutions add and rectify, where they do it right", async () => {
    setEnvironment({ FAKE_GPU_FUSED: 'right' });
    await using net = await makeTestNet();
    const plan = await planOf(net);
    assert.doesNotMatch(plan.reason, /cannot be used/);
    assert.ok((await count('fused convolution')) >= 4);
    await using plain = await makeTestNet();
    using input = pictures([3, 3, side, side]);
    await assertSame(await net.forward(input), await plain.forward(input));
  });

  it('do without them where memory does not suffice for both', async () => {
    setEnvironment({ FAKE_GPU_FUSED: 'large' });
    await using net = await makeTestNet();
    const plan = await planOf(net);
    assert.equal(plan.kind, 'graph');
    assert.match(plan.reason, /fused convolutions cannot be used: CUDA out of memory\./);
    using input = bytes(4);
    assert.deepEqual((await net.forward(input)).shape, [4, 2]);
  });

  it('do without them where they give other numbers', async () => {
    setEnvironment({ FAKE_GPU_FUSED: 'wrong' });
    await using net = await makeTestNet();
    const plan = await planOf(net);
    assert.equal(plan.kind, 'graph');
    assert.match(
      plan.reason,
      /cannot be used: their results differ from those of unfused convolutions\.$/,
    );
    await using plain = await makeTestNet();
    using input = pictures([3, 3, side, side]);
    await assertSame(await net.forward(input), await plain.forward(input));
  });

  it('go on without a graph where none can be recorded', async () => {
    setEnvironment({ FAKE_GPU_FAILS: 'graphs' });
    await using net = await makeTestNet();
    const plan = await planOf(net);
    await using plain = await makeTestNet();
    assert.equal(plan.kind, 'planned');
    assert.match(plan.reason, /operator by operator.*No graph could be captured: operation not/s);
    using input = pictures([3, 3, side, side]);
    await assertSame(await net.forward(input), await plain.forward(input));
    assert.equal(await count('replay'), 0);
  });

  it('compute in less precision too', async () => {
    await using plain = await makeTestNet();
    using input = pictures([2, 3, side, side]);
    for (const precision of ['float16', 'bfloat16', 'tf32'] as const) {
      await using net = await makeTestNet();
      const plan = await planOf(net, { precision });
      assert.equal(plan.precision, precision);
      const tolerance = precision === 'tf32' ? 1e-5 : 2e-2;
      await assertSame(await net.forward(input), await plain.forward(input), tolerance);
    }
  });

  it('choose the first precision that keeps to the tolerance', async () => {
    await using net = await makeTestNet();
    for (const [tolerance, precision] of [
      [0.05, 'float16'],
      [1e-6, 'tf32'],
    ] as const) {
      assert.equal((await planOf(net, { precision: 'auto', tolerance })).precision, precision);
    }
  });

  it('are not made in bytes, nor those of a CPU in what GPUs compute in', async () => {
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

  it('leave to TorchScript what they cannot hold', async () => {
    await using net = await makeNet(['return torch.cumsum(x, 1)']);
    const plan = await planOf(net);
    assert.equal(plan.kind, 'interpreter');
    assert.match(plan.reason, /The model cannot be planned: it uses aten::cumsum/);
    await assert.rejects(planOf(net, { precision: 'float16' }), OptionError);
  });

  it('refuse numbers that are none', async () => {
    await using net = await makeNet(['return torch.relu(x) * 1e38 * 1e38 * 0.0']);
    const plan = await planOf(net);
    assert.match(plan.reason, /its results on cpu differ from those on the CPU/);
  });

  it('tell of too little memory, and work with fewer images after it', async () => {
    await using net = await makeTestNet();
    await planOf(net);
    setEnvironment({ FAKE_GPU_FAILS: 'memory' });
    using many = bytes(16);
    await assert.rejects(net.forward(many), (error) => {
      assert.ok(error instanceof DeviceError);
      assert.equal(error.code, 'ERR_SEMISUP_DEVICE_MEMORY');
      assert.match(error.message, /CUDA out of memory\. Send fewer images/);
      return true;
    });
    assert.equal((await log()).at(-1), 'release');
    using one = bytes(1);
    (await net.forward(one)).dispose();
    setEnvironment({ FAKE_GPU_FAILS: undefined });
    (await net.forward(many)).dispose();
  });

  it('tell of a GPU that is lost', async () => {
    await using net = await makeTestNet();
    await planOf(net);
    setEnvironment({ FAKE_GPU_FAILS: 'the device' });
    using input = bytes(1);
    await assert.rejects(net.forward(input), {
      name: 'DeviceError',
      code: 'ERR_SEMISUP_DEVICE_LOST',
      message: /unspecified launch failure.*Start the process again/s,
    });
  });

  it('are closed when what is under way is done', async () => {
    const net = await makeTestNet();
    await planOf(net);
    const inputs = Array.from({ length: 8 }, () => bytes(2));
    const answers = inputs.map((input) => net.forward(input));
    await net.close();
    for (const answer of await Promise.all(answers)) assert.deepEqual(answer.shape, [2, 2]);
  });

  it('need a GPU that its library opens', async () => {
    const { native, handle } = await Executor.shared();
    await assert.rejects(native.openGpu(handle, fake.library, 7), {
      code: 'ERR_SEMISUP_DEVICE_FAILED',
      message: /invalid device ordinal/,
    });
    await assert.rejects(native.openGpu(handle, join(temporary.path, 'no.so'), 0), {
      code: 'ERR_SEMISUP_DEVICE_FAILED',
      message: /no\.so: cannot open shared object file/,
    });
    assert.throws(() => native.openGpuSync(handle, process.execPath, 0), DeviceError);
  });
});

/** Uint8 [n, h, w, 3]. */
function bytes(images: number, seed = 0): Tensor {
  const length = images * side * side * 3;
  const data = Uint8Array.from({ length }, (_, i) => ((i + 7 * seed) * 2654435761) >>> 24);
  return Tensor.from(data, [images, side, side, 3]);
}

/** As torchvision does: float32 [n, 3, h, w]. */
async function normalise(images: Tensor): Promise<Tensor> {
  const data = await images.toFloat32();
  const pixels = side * side;
  const planar = Float32Array.from({ length: data.length }, (_, i) => {
    const image = Math.floor(i / (3 * pixels));
    const channel = Math.floor(i / pixels) % 3;
    const value = data[(image * pixels + (i % pixels)) * 3 + channel]!;
    return (value / 255 - transform.mean[channel]!) / transform.std[channel]!;
  });
  return Tensor.from(planar, [images.shape[0]!, 3, side, side]);
}

async function saved(folder: string): Promise<string> {
  await using net = await makeNet(forward, weights);
  const path = join(folder, 'net.pt');
  await net.save(path);
  return path;
}

/** @param tolerance as a part of the largest number */
async function assertSame(given: Tensor, expected: Tensor, tolerance = 1e-5): Promise<void> {
  assert.deepEqual([given.dtype, given.shape], [expected.dtype, expected.shape]);
  const [a, b] = [await given.toFloat32(), await expected.toFloat32()];
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
  assert.ok(difference <= tolerance * largest, `${difference} of ${largest}`);
}
