import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompiledModule } from '../../src/compiled';
import { memory, Tensor } from '../../src/native';
import { compileNet } from '../support/compiled';
import { makeNet } from '../support/convolutions';

const shape = [16, 12, 12];

describe('tensors between TorchScript and compiled models', function () {
  this.timeout(120_000);
  let directory: string;
  let compiled: CompiledModule;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-tensors-'));
    await using net = await makeNet(
      ['return torch.flatten(torch.relu(torch.conv2d(x, self.weight)), 1)'],
      {
        weight: [8, 16, 3, 3],
      },
    );
    compiled = await compileNet(net, join(directory, 'net'), { shape, precision: 'float32' });
  });
  after(async () => {
    await compiled.close();
    await rm(directory, { recursive: true });
  });

  const moduleOf = (line: string) => makeNet([line]);
  const images = () =>
    Tensor.from(
      new Float32Array(16 * 12 * 12).map((_, i) => Math.sin(i)),
      [1, ...shape],
    );

  it('are read with any strides, and without elements of their own', async () => {
    using input = images();
    const expected = await (await compiled.invoke('forward', [input])).data();
    await using transposing = await moduleOf(
      'return x.transpose(2, 3).contiguous().transpose(2, 3)',
    );
    using transposed = await transposing.forward(input);
    assert.deepEqual(await (await compiled.invoke('forward', [transposed])).data(), expected);
    await using zeros = await moduleOf('return torch._efficientzerotensor([1, 16, 12, 12])');
    using zero = await zeros.forward(input);
    const output = await (await compiled.invoke('forward', [zero])).data();
    assert.ok(output.every((value) => value === 0));
  });

  it('are freed when they are disposed', async () => {
    const before = memory().tensors.count;
    await using identity = await moduleOf('return x + 1');
    {
      using input = images();
      using sum = await identity.forward(input);
      for (let i = 0; i < 5; i++) (await compiled.invoke('forward', [sum])).dispose();
    }
    assert.equal(memory().tensors.count, before);
  });

  it('keep their shape when TorchScript resizes them', async () => {
    await using growing = await moduleOf('return x.resize_([40]).fill_(1.0)');
    using input = Tensor.from([1, 2, 3, 4]);
    using output = await growing.forward(input);
    assert.deepEqual(output.shape, [40]);
    assert.ok((await output.data()).every((value) => value === 1));
    assert.deepEqual([...input.dataSync()], [1, 2, 3, 4]);
  });

  it('are refused in other dtypes, shapes and numbers', async () => {
    using bytes = Tensor.from(new Uint8Array(16 * 12 * 12), [1, ...shape]);
    using flat = Tensor.from(new Float32Array(16 * 12 * 12));
    using other = Tensor.from(new Float32Array(3 * 12 * 12), [1, 3, 12, 12]);
    for (const args of [[bytes], [flat], [other]]) {
      await assert.rejects(compiled.invoke('forward', args), { code: 'ERR_SEMISUP_SCRIPT' });
    }
    for (const args of [[], [other, other], [1]]) {
      await assert.rejects(compiled.invoke('forward', args), {
        code: 'ERR_SEMISUP_SCRIPT_ARGUMENT',
      });
    }
    await assert.rejects(compiled.invoke('missing', [other]), { code: 'ERR_SEMISUP_SCRIPT' });
  });
});
