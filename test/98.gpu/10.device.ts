import assert from 'node:assert/strict';
import { DeviceError } from '../../src/errors';
import { devices, ScriptModule, Tensor } from '../../src/torch';
import { makeNet, pictures } from '../support/convolutions';
import { apart, onGpu } from '../support/gpu';
import { temporaryFolder } from '../support/temporary';

describe('a GPU', function () {
  this.timeout(120_000);
  const { path } = temporaryFolder();
  const found = onGpu();

  it('is listed with its compute capability and memory', async () => {
    for (const { name, description, capability, memory } of found.gpus) {
      assert.match(name, /^cuda:\d+$/);
      assert.notEqual(description, '');
      assert.match(capability!, /^\d+\.\d+$/);
      assert.ok(memory!.total > 1e9);
      assert.ok(memory!.free === undefined || memory!.free <= memory!.total);
    }
    assert.equal((await devices())[0]!.name, 'cpu');
  });

  it('holds tensors, and gives them back', async () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => i / 7);
    using tensor = Tensor.from(values, [10, 100]);
    using there = tensor.to({ device: 'cuda' });
    assert.equal(there.device, 'cuda:0');
    assert.match(String(there), /device='cuda:0'/);
    assert.deepEqual(await there.data(), values);
    assert.deepEqual(there.dataSync(), values);
    using back = there.to({ device: 'cpu' });
    assert.deepEqual(await back.data(), values);
  });

  it('runs TorchScript with the numbers of the CPU', async () => {
    const weights = { a: [32, 3, 3, 3], w: [10, 32] };
    const forward = [
      'y = torch.relu(torch.conv2d(x, self.a, None, [1, 1], [1, 1]))',
      'return torch.linear(y.mean([2, 3]), self.w)',
    ];
    await using net = await makeNet(forward, weights);
    using input = pictures([4, 3, 30, 40]);
    using expected = await net.forward(input);
    await net.to({ device: 'cuda' });
    using there = input.to({ device: 'cuda' });
    for (const one of [input, there]) {
      using given = await net.forward(one);
      assert.equal(given.device, 'cuda:0');
      assert.ok(apart(await given.toFloat32(), await expected.toFloat32()) < 1e-4);
    }
  });

  it('is taken by name at load', async () => {
    await using net = await makeNet(['return x * self.k'], { k: [1] });
    const file = `${path}net.pt`;
    await net.save(file);
    for (const device of ['auto', 'cuda', 'cuda:0'] as const) {
      await using loaded = await ScriptModule.load(file, { device });
      assert.equal((await loaded.parameters()).k!.device, 'cuda:0');
    }
    await assert.rejects(
      ScriptModule.load(file, { device: `cuda:${found.gpus.length}` }),
      (error) => {
        assert.ok(error instanceof DeviceError);
        assert.equal(error.code, 'ERR_SEMISUP_DEVICE');
        assert.match(error.message, /finds \d+ of them, from cuda:0 on/);
        return true;
      },
    );
  });

  it('tells of too little memory, and works on', async () => {
    using one = pictures([1]);
    using there = one.to({ device: 'cuda' });
    await using large = await makeNet([
      'return torch.ones([1048576, 1024, 1024], device=x.device) + x',
    ]);
    await assert.rejects(large.forward(there), { code: 'ERR_SEMISUP_DEVICE_MEMORY' });
    assert.equal((await there.data()).length, 1);
  });
});
