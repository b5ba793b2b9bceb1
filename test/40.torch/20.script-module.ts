import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError, ScriptError, TensorError } from '../../src/errors';
import { ScriptModule, Tensor } from '../../src/torch';
import { float32Bytes, makeSmallNet, smallNet } from '../support/small-net';
import { temporaryFolder } from '../support/temporary';
import { writeZip } from '../support/zip';

const ones = () => Tensor.from(new Float32Array(3 * 4).fill(1), [1, 3, 2, 2]);

describe('script modules', () => {
  const folder = temporaryFolder();

  it('are made from a description, filled, and run', async () => {
    await using module = await makeSmallNet();
    using input = ones();
    using output = await module.forward(input);
    using pooled = await module.call('pooled', input);
    assert.deepEqual(output.shape, [1, 2]);
    assert.deepEqual(await output.data(), new Float32Array([21, 30]));
    assert.deepEqual(await pooled.data(), new Float32Array([6, 1, 1, 1]));
  });

  it('are the same after a save and a load, with their extra files', async () => {
    const path = join(folder.path, 'net.pt');
    await using made = await makeSmallNet();
    await made.save(path, { extraFiles: { 'notes.txt': 'ünïcode' } });
    await using loaded = await ScriptModule.load(path);
    using input = ones();
    using output = await loaded.forward(input);
    assert.deepEqual(await output.data(), new Float32Array([21, 30]));
    assert.deepEqual(loaded.metadata, { 'notes.txt': 'ünïcode' });
    assert.deepEqual(await readdir(folder.path), ['net.pt']);
  });

  it('convert the dtype of what they are filled with', async () => {
    await using module = await makeSmallNet();
    const bias = new Uint8Array(new BigInt64Array([-1n, -2n]).buffer);
    await module.fill('bias', bias, { dtype: 'int64', shape: [2], stride: [1] });
    using input = ones();
    using output = await module.forward(input);
    assert.deepEqual(await output.data(), new Float32Array([15, 21]));
  });

  it('take bytes that begin between two elements', async () => {
    await using module = await makeSmallNet();
    const odd = new Uint8Array(9);
    odd.set(float32Bytes([-1, -2]), 1);
    await module.fill('bias', odd.subarray(1), { dtype: 'float32', shape: [2], stride: [1] });
    using input = ones();
    using output = await module.forward(input);
    assert.deepEqual(await output.data(), new Float32Array([15, 21]));
  });

  it('refuse bytes that are not those of the view', async () => {
    await using module = await makeSmallNet();
    const view = { dtype: 'float32', shape: [2], stride: [1] } as const;
    await assert.rejects(module.fill('bias', new Uint8Array(7), view), TensorError);
    await assert.rejects(module.fill('bias', new Uint8Array(12), view), TensorError);
    await assert.rejects(module.fill('nobody', new Uint8Array(8), view), TensorError);
    await assert.rejects(
      module.fill('bias', new Uint8Array(12), { ...view, shape: [3] }),
      TensorError,
    );
    await assert.rejects(
      module.fill('bias', new Uint8Array(8), { ...view, stride: [-1] }),
      TensorError,
    );
  });

  it('run the calls of one moment in their order', async () => {
    await using module = await makeSmallNet();
    const order: number[] = [];
    await Promise.all(
      [0, 1, 2, 3].map(async (i) => {
        using input = ones();
        using output = await module.forward(input);
        assert.equal(output.shape[0], 1);
        order.push(i);
      }),
    );
    assert.deepEqual(order, [0, 1, 2, 3]);
  });

  it('finish the work under way when closed, refuse new work, and may be closed again', async () => {
    const module = await makeSmallNet();
    const running = module.forward(ones());
    await Promise.all([module.close(), module.close()]);
    assert.deepEqual(await (await running).data(), new Float32Array([21, 30]));
    await assert.rejects(module.forward(ones()), { code: 'ERR_SEMISUP_DISPOSED' });
    await module.close();
  });

  it('run on an input that is disposed of meanwhile', async () => {
    await using module = await makeSmallNet();
    const input = ones();
    const running = module.forward(input);
    input.dispose();
    assert.deepEqual(await (await running).data(), new Float32Array([21, 30]));
  });

  it("tell what TorchScript raised, with TorchScript's traceback", async () => {
    await using module = await makeSmallNet();
    using input = Tensor.from(new Float32Array(4), [1, 1, 2, 2]);
    await assert.rejects(
      module.forward(input),
      (error) =>
        error instanceof ScriptError &&
        error.message.includes('expected input[1, 1, 2, 2] to have 3 channels') &&
        error.message.includes('Traceback of TorchScript'),
    );
    await assert.rejects(module.call('no_such_method', input), ScriptError);
    using good = ones();
    assert.equal((await module.forward(good)).shape[1], 2);
  });

  it('tell what does not compile', async () => {
    const spec = { ...smallNet, source: '\ndef forward(self, x):\n    return torch.no_such(x)\n' };
    await assert.rejects(
      ScriptModule.create(spec),
      (error) => error instanceof ScriptError && error.message.includes('no_such'),
    );
  });

  it('refuse files that are missing, folders, or no TorchScript, by their name', async () => {
    const text = join(folder.path, 'text.pt');
    await writeFile(text, 'not a model');
    const plainZip = join(folder.path, 'plain-zip.pt');
    await writeZip(plainZip, [{ name: 'readme.txt', data: Buffer.from('not a model') }]);
    const net = join(folder.path, 'net.pt');
    await using module = await makeSmallNet();
    await module.save(net);
    const truncated = join(folder.path, 'truncated.pt');
    await writeFile(truncated, (await readFile(net)).subarray(0, -100));
    const cases = [
      [join(folder.path, 'missing.pt'), 'ERR_SEMISUP_MODEL_NOT_FOUND'],
      [folder.path, 'ERR_SEMISUP_MODEL_NOT_FOUND'],
      [text, 'ERR_SEMISUP_MODEL_FORMAT'],
      [plainZip, 'ERR_SEMISUP_MODEL_FORMAT'],
      [truncated, 'ERR_SEMISUP_MODEL_FORMAT'],
    ] as const;
    for (const [path, code] of cases) {
      await assert.rejects(
        ScriptModule.load(path),
        (error) =>
          error instanceof ModelError && error.code === code && error.message.includes(path),
      );
    }
  });

  it('leave nothing behind when they cannot be saved', async () => {
    await using module = await makeSmallNet();
    const taken = join(folder.path, 'folder');
    await mkdir(taken);
    for (const path of [taken, join(folder.path, 'none', 'net.pt')]) {
      await assert.rejects(module.save(path), { code: 'ERR_SEMISUP_MODEL_WRITE', value: path });
    }
    assert.deepEqual(await readdir(folder.path, { recursive: true }), ['folder']);
  });

  it('take tensors of the CPU where they lie on another device', async () => {
    const source = [
      '',
      'def forward(self, x, more: List[Tensor], named: Dict[str, Tensor]):',
      '    return torch.matmul(x, self.k) + more[0] + named["y"]',
      '',
    ].join('\n');
    await using net = await ScriptModule.create({
      ...{ type: 'Net', source },
      parameters: { k: { dtype: 'float32', shape: [3, 5] } },
    });
    const path = join(folder.path, 'net.pt');
    await net.save(path);
    const { native, handle } = net.executor;
    // LibTorch's device without memory, which all machines have.
    const { module } = await native.loadModule(handle, path, 'meta', undefined, false);
    using x = Tensor.from(new Float32Array(6), [2, 3]);
    using y = Tensor.from(new Float32Array(5));
    const args = [x, [y], { y }];
    using given = (await native.callMethod(handle, module, 'forward', args, {}, 0)) as Tensor;
    assert.deepEqual([given.device, given.shape], ['meta', [2, 5]]);
    assert.equal(x.device, 'cpu');
  });

  it('refuse options that they do not know, and devices that are not there', async () => {
    const path = join(folder.path, 'net.pt');
    await assert.rejects(ScriptModule.load(path, { devise: 'cpu' } as object), (error: Error) =>
      error.message.includes("Did you mean 'device'?"),
    );
    await assert.rejects(ScriptModule.load(path, { device: 'gpu' as 'cpu' }), {
      code: 'ERR_SEMISUP_OPTION_VALUE',
    });
    await assert.rejects(ScriptModule.load(path, { device: 'cuda:7' }), {
      code: 'ERR_SEMISUP_DEVICE',
    });
  });
});
