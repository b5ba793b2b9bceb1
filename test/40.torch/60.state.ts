import assert from 'node:assert/strict';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ScriptModule, Tensor, type ScriptValue } from '../../src/torch';
import { makeSmallNet } from '../support/small-net';
import { temporaryFolder } from '../support/temporary';
import { decode, goldens, legible, loadFixture } from '../support/torchscript';

describe('state', () => {
  const folder = temporaryFolder();
  let module: ScriptModule;
  beforeEach(async () => {
    module = await loadFixture('state');
  });
  afterEach(async () => {
    await module.close();
  });

  it("is PyTorch's: parameters and buffers by their dotted names", async () => {
    const expected = Object.fromEntries(
      goldens.state.map(([name, tensor]) => [name, legible(decode(tensor))]),
    );
    assert.deepEqual(legible(await module.stateDict()), expected);
    assert.deepEqual(Object.keys(await module.parameters()), ['weight', 'inner.weight']);
    assert.deepEqual(Object.keys(await module.buffers()), ['total', 'mean', 'inner.steps']);
    assert.deepEqual(Object.keys(await module.stateDict()), [
      'weight',
      'inner.weight',
      'total',
      'mean',
      'inner.steps',
    ]);
  });

  it('is none of a module that has none', async () => {
    await using none = await loadFixture('values');
    assert.deepEqual(await none.stateDict(), {});
  });

  it("shares the module's memory, tied weights too", async () => {
    const { weight, 'inner.weight': tied } = await module.parameters();
    await module.call<ScriptValue>('double_weight');
    assert.deepEqual(weight!.dataSync(), new Float32Array([2, 4, 6, 8]));
    assert.deepEqual(tied!.dataSync(), new Float32Array([2, 4, 6, 8]));
    const { total } = await module.buffers();
    using input = Tensor.from([1, 1]);
    const output = await module.forward(input);
    assert.deepEqual(total!.dataSync(), new Float32Array([8, 12]));
    await module.forward(input);
    assert.deepEqual(output.dataSync(), new Float32Array([16, 24]));
  });

  it('outlives the module, and its own tensors', async () => {
    const { total } = await module.buffers();
    (await module.buffers()).total!.dispose();
    using input = Tensor.from([1, 1]);
    await module.forward(input);
    await module.close();
    assert.deepEqual(total!.dataSync(), new Float32Array([4, 6]));
  });

  it('that a method replaces is new, and the tensor of before stays', async () => {
    const { mean } = await module.buffers();
    using input = Tensor.from([1, 2], [2], 'float64');
    await module.call('rebind', input);
    assert.deepEqual(mean!.dataSync(), new Float64Array([1, 1]));
    assert.deepEqual((await module.buffers()).mean!.dataSync(), new Float64Array([2, 3]));
  });

  it('is kept from call to call, and what was given out is not changed', async () => {
    using input = Tensor.from([1, 1]);
    await module.forward(input);
    const past = await module.call<readonly number[]>('past');
    await module.forward(input);
    assert.deepEqual(past, [1]);
    assert.deepEqual(await module.call<ScriptValue>('past'), [1, 2]);
    assert.equal(await module.attribute('count'), 2);
  });

  describe('attribute', () => {
    for (const [name, value] of Object.entries({
      count: 0,
      ratio: 2,
      title: 'tïtle',
      ready: true,
      training: false,
      missing: null,
      bias: null,
      history: [],
      labels: { cat: 1, dog: 2 },
      sizes: new Map([[1, 'small']]),
      point: [1, 2],
      'inner.depth': 2,
    })) {
      it(`gives ${name}`, async () => {
        assert.deepEqual(await module.attribute(name), value);
      });
    }

    it('gives tensors, of submodules too', async () => {
      const plain = await module.attribute<Tensor>('plain');
      assert.deepEqual(plain.dataSync(), new BigInt64Array([5n, 6n]));
      const steps = await module.attribute<Tensor>('inner.steps');
      assert.deepEqual(steps.dataSync(), new BigInt64Array([3n, 4n]));
    });

    for (const name of [
      'nobody',
      'inner.nobody',
      'nobody.depth',
      'count.real',
      'forward',
      'inner.',
      '.inner',
      '.',
      '',
      '__proto__',
    ]) {
      it(`refuses ${JSON.stringify(name)} by its whole name`, async () => {
        await assert.rejects(module.attribute(name), {
          code: 'ERR_SEMISUP_SCRIPT_ARGUMENT',
          what: `The module has no attribute '${name}'.`,
        });
      });
    }

    it('refuses what has no counterpart in JavaScript, and names that are no text', async () => {
      await assert.rejects(module.attribute('inner'), {
        code: 'ERR_SEMISUP_SCRIPT',
        what: /type __torch__\.Inner, which has no JavaScript equivalent/,
      });
      await assert.rejects(module.attribute(7 as unknown as string), { name: 'OptionError' });
    });
  });

  describe('graph', () => {
    it('is of forward, or of the method that is named', async () => {
      assert.match(
        await module.graph(),
        /^graph\(%self\S* : __torch__\.State,\n\s*%x\S* : Tensor\):/,
      );
      assert.match(await module.graph('double_weight'), /aten::mul_/);
      await assert.rejects(module.graph('double_wait'), {
        remedy: `Did you mean 'double_weight'?`,
      });
    });
  });

  describe('to', () => {
    it('converts what is floating point, in place, and gives the module', async () => {
      const { weight: before } = await module.parameters();
      assert.equal(await module.to({ dtype: 'float64', device: 'cpu' }), module);
      const { weight, 'inner.weight': tied, 'inner.steps': steps } = await module.stateDict();
      assert.deepEqual([weight!.dtype, tied!.dtype, steps!.dtype], ['float64', 'float64', 'int64']);
      assert.deepEqual(before!.dataSync(), new Float32Array([1, 2, 3, 4]));
      using input = Tensor.from([1, 1], [2], 'float64');
      assert.deepEqual((await module.forward(input)).dataSync(), new Float64Array([4, 6]));
    });

    it('comes after the calls that were made before it', async () => {
      await using slow = await loadFixture('notes');
      using single = Tensor.from([2, 4], [1, 2]);
      using double = single.to({ dtype: 'float64' });
      const outputs = [
        slow.forward(single),
        slow.to({ dtype: 'float64' }).then((same) => same.forward(double)),
      ];
      const dtypes = (await Promise.all(outputs)).map((output) => output.dtype);
      assert.deepEqual(dtypes, ['float32', 'float64']);
    });

    it('refuses what it does not know, and changes nothing then', async () => {
      for (const target of [{ dtype: 'int8' }, { device: 'gpu' }, { dtipe: 'float16' }, null]) {
        await assert.rejects(module.to(target as object), { name: 'OptionError' });
      }
      await assert.rejects(module.to({ device: 'cuda:0', dtype: 'float16' }), {
        code: 'ERR_SEMISUP_DEVICE',
      });
      assert.equal((await module.parameters()).weight!.dtype, 'float32');
    });
  });

  describe('save', () => {
    it('keeps what calls have changed, and the ties', async () => {
      using input = Tensor.from([1, 1]);
      await module.forward(input);
      const path = join(folder.path, 'state.pt');
      await module.save(pathToFileURL(path));
      await using again = await ScriptModule.load(path);
      assert.deepEqual(legible(await again.stateDict()), legible(await module.stateDict()));
      assert.equal(await again.attribute('count'), 1);
      assert.equal((await again.call<number[]>('past')).length, 1);
      await again.call<ScriptValue>('double_weight');
      assert.deepEqual(
        (await again.parameters())['inner.weight']!.dataSync(),
        new Float32Array([2, 4, 6, 8]),
      );
    });

    it('keeps the extra files unless others are given', async () => {
      await using noted = await loadFixture('notes');
      const path = join(folder.path, 'notes.pt');
      const own = { 'a/b.txt': '日本語\n\0', ['__proto__']: 'own' };
      for (const [extraFiles, expected] of [
        [undefined, noted.metadata],
        [{}, {}],
        [own, own],
      ] as const) {
        await noted.save(path, extraFiles && { extraFiles });
        await using again = await ScriptModule.load(path);
        assert.deepEqual(again.metadata, expected);
      }
    });

    it('replaces a file in one step, and leaves nothing beside it', async () => {
      const path = join(folder.path, 'net.pt');
      await writeFile(path, 'old');
      await using net = await makeSmallNet();
      await Promise.all([net.save(path), net.save(path)]);
      await using again = await ScriptModule.load(path);
      assert.deepEqual(Object.keys(again.methods).sort(), ['forward', 'pooled']);
      assert.deepEqual(await readdir(folder.path), ['net.pt']);
    });

    it('leaves what was there where the folder cannot be written', async function () {
      if (process.platform === 'win32' || process.getuid?.() === 0) {
        this.test!.title += ' (skipped: this user may write anywhere)';
        this.skip();
      }
      const path = join(folder.path, 'net.pt');
      await writeFile(path, 'old');
      await chmod(folder.path, 0o500);
      await assert.rejects(module.save(path), { code: 'ERR_SEMISUP_MODEL_WRITE', value: path });
      await chmod(folder.path, 0o700);
      assert.equal(await readFile(path, 'utf8'), 'old');
      assert.deepEqual(await readdir(folder.path), ['net.pt']);
    });

    it('refuses paths and extra files that are none', async () => {
      const path = join(folder.path, 'net.pt');
      for (const bad of ['', 'a\0b', 7, null, new URL('http://localhost/a.pt')]) {
        await assert.rejects(module.save(bad as string), { name: 'OptionError' });
      }
      for (const extraFiles of [
        { a: 1 },
        { a: Buffer.from('b') },
        { '': 'b' },
        { 'a\0': 'b' },
        ['a'],
        null,
        'a',
        7,
      ]) {
        await assert.rejects(module.save(path, { extraFiles } as object), { name: 'OptionError' });
      }
      await assert.rejects(module.save(path, { extraFile: {} } as object), {
        remedy: `Did you mean 'extraFiles'?`,
      });
      assert.deepEqual(await readdir(folder.path), []);
    });
  });
});
