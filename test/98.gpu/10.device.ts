import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DeviceError } from '../../src/errors';
import { Tensor } from '../../src/native';
import { devices, ScriptModule } from '../../src/torch';
import { makeNet, syntheticImages } from '../support/convolutions';
import { gpusOrSkip, relativeDifference } from '../support/gpu';
import { temporaryDirectory } from '../support/temporary';

describe('a GPU', function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();
  const available = gpusOrSkip();

  it('is listed with its compute capability and memory', async () => {
    for (const { name, description, capability, memory } of available.gpus) {
      assert.match(name, /^cuda:\d+$/);
      assert.notEqual(description, '');
      assert.match(capability!, /^\d+\.\d+$/);
      assert.ok(memory!.total > 1e9);
      assert.ok(memory!.free === undefined || memory!.free <= memory!.total);
    }
    assert.equal((await devices())[0]!.name, 'cpu');
  });

  it('stores tensors and returns them unchanged', async () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => i / 7);
    using tensor = Tensor.from(values, [10, 100]);
    using onGpu = tensor.to({ device: 'cuda' });
    assert.equal(onGpu.device, 'cuda:0');
    assert.match(String(onGpu), /device='cuda:0'/);
    assert.deepEqual(await onGpu.data(), values);
    assert.deepEqual(onGpu.dataSync(), values);
    using back = onGpu.to({ device: 'cpu' });
    assert.deepEqual(await back.data(), values);
  });

  it('runs TorchScript with the results of the CPU', async () => {
    const weights = { a: [32, 3, 3, 3], w: [10, 32] };
    const forward = [
      'y = torch.relu(torch.conv2d(x, self.a, None, [1, 1], [1, 1]))',
      'return torch.linear(y.mean([2, 3]), self.w)',
    ];
    await using net = await makeNet(forward, weights);
    using input = syntheticImages([4, 3, 30, 40]);
    using expected = await net.forward(input);
    await net.to({ device: 'cuda' });
    using onGpu = input.to({ device: 'cuda' });
    for (const argument of [input, onGpu]) {
      using actual = await net.forward(argument);
      assert.equal(actual.device, 'cuda:0');
      assert.ok(relativeDifference(await actual.toFloat32(), await expected.toFloat32()) < 1e-4);
    }
  });

  it('is selected by name when a module is loaded', async () => {
    await using net = await makeNet(['return x * self.k'], { k: [1] });
    const file = join(directory.path, 'net.pt');
    await net.save(file);
    for (const device of ['auto', 'cuda', 'cuda:0'] as const) {
      await using loaded = await ScriptModule.load(file, { device });
      assert.equal((await loaded.parameters()).k!.device, 'cuda:0');
    }
    await assert.rejects(
      ScriptModule.load(file, { device: `cuda:${available.gpus.length}` }),
      (error) => {
        assert.ok(error instanceof DeviceError);
        assert.equal(error.code, 'ERR_SEMISUP_DEVICE_UNAVAILABLE');
        assert.match(error.message, /finds \d+ of them, from cuda:0 on/);
        return true;
      },
    );
  });

  it('reports insufficient memory, and remains usable', async () => {
    using one = syntheticImages([1]);
    using onGpu = one.to({ device: 'cuda' });
    await using large = await makeNet([
      'return torch.ones([1048576, 1024, 1024], device=x.device) + x',
    ]);
    await assert.rejects(large.forward(onGpu), { code: 'ERR_SEMISUP_DEVICE_MEMORY' });
    assert.equal((await onGpu.data()).length, 1);
  });
});
