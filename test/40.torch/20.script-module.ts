import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError, ScriptError, TensorError } from '../../src/errors';
import { Tensor } from '../../src/native';
import { ScriptModule } from '../../src/torch';
import { float32Bytes, makeSmallNet, smallNet } from '../support/small-net';
import { temporaryDirectory } from '../support/temporary';
import { writeZip } from '../support/zip';

const ones = () => Tensor.from(new Float32Array(3 * 4).fill(1), [1, 3, 2, 2]);

describe('ScriptModule', () => {
  const directory = temporaryDirectory();

  it('is created from a description, filled and run', async () => {
    await using module = await makeSmallNet();
    using input = ones();
    using output = await module.forward(input);
    using pooled = await module.call('pooled', input);
    assert.deepEqual(output.shape, [1, 2]);
    assert.deepEqual(await output.data(), new Float32Array([21, 30]));
    assert.deepEqual(await pooled.data(), new Float32Array([6, 1, 1, 1]));
  });

  it('is unchanged after save and load, including its extra files', async () => {
    const path = join(directory.path, 'net.pt');
    await using created = await makeSmallNet();
    await created.save(path, { extraFiles: { 'notes.txt': 'ünïcode' } });
    await using loaded = await ScriptModule.load(path);
    using input = ones();
    using output = await loaded.forward(input);
    assert.deepEqual(await output.data(), new Float32Array([21, 30]));
    assert.deepEqual(loaded.extraFiles, { 'notes.txt': 'ünïcode' });
    assert.deepEqual(await readdir(directory.path), ['net.pt']);
  });

  it('converts the dtype of filled tensors', async () => {
    await using module = await makeSmallNet();
    const bias = new Uint8Array(new BigInt64Array([-1n, -2n]).buffer);
    await module.fill('bias', bias, { dtype: 'int64', shape: [2], stride: [1] });
    using input = ones();
    using output = await module.forward(input);
    assert.deepEqual(await output.data(), new Float32Array([15, 21]));
  });

  it('accepts unaligned bytes', async () => {
    await using module = await makeSmallNet();
    const unaligned = new Uint8Array(9);
    unaligned.set(float32Bytes([-1, -2]), 1);
    await module.fill('bias', unaligned.subarray(1), { dtype: 'float32', shape: [2], stride: [1] });
    using input = ones();
    using output = await module.forward(input);
    assert.deepEqual(await output.data(), new Float32Array([15, 21]));
  });

  it('rejects bytes that do not match the view', async () => {
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

  it('runs concurrent calls in order', async () => {
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

  it('completes pending calls on close, rejects later calls, and may be closed twice', async () => {
    const module = await makeSmallNet();
    const running = module.forward(ones());
    await Promise.all([module.close(), module.close()]);
    assert.deepEqual(await (await running).data(), new Float32Array([21, 30]));
    await assert.rejects(module.forward(ones()), { code: 'ERR_SEMISUP_DISPOSED' });
    await module.close();
  });

  it('runs on an input that is disposed during the call', async () => {
    await using module = await makeSmallNet();
    const input = ones();
    const running = module.forward(input);
    input.dispose();
    assert.deepEqual(await (await running).data(), new Float32Array([21, 30]));
  });

  it('reports exceptions with the TorchScript traceback', async () => {
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

  it('reports compilation errors', async () => {
    const spec = { ...smallNet, source: '\ndef forward(self, x):\n    return torch.no_such(x)\n' };
    await assert.rejects(
      ScriptModule.create(spec),
      (error) => error instanceof ScriptError && error.message.includes('no_such'),
    );
  });

  it('rejects missing files, directories and files that are not TorchScript, and reports their paths', async () => {
    const text = join(directory.path, 'text.pt');
    await writeFile(text, 'not a model');
    const plainZip = join(directory.path, 'plain-zip.pt');
    await writeZip(plainZip, [{ name: 'readme.txt', data: Buffer.from('not a model') }]);
    const net = join(directory.path, 'net.pt');
    await using module = await makeSmallNet();
    await module.save(net);
    const truncated = join(directory.path, 'truncated.pt');
    await writeFile(truncated, (await readFile(net)).subarray(0, -100));
    const cases = [
      [join(directory.path, 'missing.pt'), 'ERR_SEMISUP_MODEL_NOT_FOUND'],
      [directory.path, 'ERR_SEMISUP_MODEL_NOT_FOUND'],
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

  it('removes temporary files when save fails', async () => {
    await using module = await makeSmallNet();
    const existing = join(directory.path, 'folder');
    await mkdir(existing);
    for (const path of [existing, join(directory.path, 'none', 'net.pt')]) {
      await assert.rejects(module.save(path), { code: 'ERR_SEMISUP_MODEL_WRITE', value: path });
    }
    assert.deepEqual(await readdir(directory.path, { recursive: true }), ['folder']);
  });

  it('copies CPU arguments to its own device', async () => {
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
    const path = join(directory.path, 'net.pt');
    await net.save(path);
    const { native, handle } = net.executor;
    // LibTorch's meta device has no memory and exists on every machine.
    const { module } = await native.loadModule(handle, path, 'meta', undefined, false, false);
    using x = Tensor.from(new Float32Array(6), [2, 3]);
    using y = Tensor.from(new Float32Array(5));
    const args = [x, [y], { y }];
    using output = (await native.callMethod(
      handle,
      module,
      'forward',
      args,
      {},
      undefined,
      0,
      0,
    )) as Tensor;
    assert.deepEqual([output.device, output.shape], ['meta', [2, 5]]);
    assert.equal(x.device, 'cpu');
  });

  it('rejects unknown options and unavailable devices', async () => {
    const path = join(directory.path, 'net.pt');
    await assert.rejects(ScriptModule.load(path, { devise: 'cpu' } as object), (error: Error) =>
      error.message.includes("Did you mean 'device'?"),
    );
    await assert.rejects(ScriptModule.load(path, { device: 'gpu' as 'cpu' }), {
      code: 'ERR_SEMISUP_OPTION_VALUE',
    });
    await assert.rejects(ScriptModule.load(path, { device: 'cuda:7' }), {
      code: 'ERR_SEMISUP_DEVICE_UNAVAILABLE',
    });
  });
});
