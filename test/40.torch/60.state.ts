import assert from 'node:assert/strict';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Tensor } from '../../src/native';
import { ScriptModule, type ScriptValue } from '../../src/torch';
import type { ModuleSpec } from '../../src/types';
import { makeSmallNet } from '../support/small-net';
import { temporaryDirectory } from '../support/temporary';
import { decode, goldens, legible, loadFixture } from '../support/torchscript';

/** Multiplies by a parameter, after rounds that take about a millisecond each. */
const slowScale: ModuleSpec = {
  type: 'SlowScale',
  source: `
def forward(self, x, rounds: int):
    y = torch.ones([300, 300])
    for i in range(rounds):
        y = torch.matmul(y, y) * 0.001
    return x * self.scale
`,
  parameters: { scale: { dtype: 'float32', shape: [1] } },
};

describe('module state', () => {
  const directory = temporaryDirectory();
  let module: ScriptModule;
  beforeEach(async () => {
    module = await loadFixture('state');
  });
  afterEach(async () => {
    await module.close();
  });

  it('contains the parameters and buffers by their dotted names, as in PyTorch', async () => {
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

  it('is empty for a module without state', async () => {
    await using stateless = await loadFixture('values');
    assert.deepEqual(await stateless.stateDict(), {});
  });

  it('shares memory with the module, including tied weights', async () => {
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

  it('outlives the module and other tensors of the same memory', async () => {
    const { total } = await module.buffers();
    (await module.buffers()).total!.dispose();
    using input = Tensor.from([1, 1]);
    await module.forward(input);
    await module.close();
    assert.deepEqual(total!.dataSync(), new Float32Array([4, 6]));
  });

  it('keeps a tensor that a method replaced', async () => {
    const { mean } = await module.buffers();
    using input = Tensor.from([1, 2], [2], 'float64');
    await module.call('rebind', input);
    assert.deepEqual(mean!.dataSync(), new Float64Array([1, 1]));
    assert.deepEqual((await module.buffers()).mean!.dataSync(), new Float64Array([2, 3]));
  });

  it('persists between calls, and returned values do not change', async () => {
    using input = Tensor.from([1, 1]);
    await module.forward(input);
    const previous = await module.call<readonly number[]>('past');
    await module.forward(input);
    assert.deepEqual(previous, [1]);
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
      it(`returns ${name}`, async () => {
        assert.deepEqual(await module.attribute(name), value);
      });
    }

    it('returns tensors, including those of submodules', async () => {
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
      it(`rejects ${JSON.stringify(name)} and reports the full name`, async () => {
        await assert.rejects(module.attribute(name), {
          code: 'ERR_SEMISUP_SCRIPT_ARGUMENT',
          what: `The module has no attribute '${name}'.`,
        });
      });
    }

    it('rejects values without a JavaScript equivalent and names that are not strings', async () => {
      await assert.rejects(module.attribute('inner'), {
        code: 'ERR_SEMISUP_SCRIPT',
        what: /type __torch__\.Inner, which has no JavaScript equivalent/,
      });
      await assert.rejects(module.attribute(7 as unknown as string), {
        name: 'OptionError',
        remedy: 'Correct the value.',
      });
      await assert.rejects(module.graph(7 as unknown as string), {
        name: 'OptionError',
        remedy: 'Correct the value.',
      });
    });
  });

  describe('graph', () => {
    it('returns the graph of forward or of the given method', async () => {
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
    it('converts floating-point tensors in place and returns the module', async () => {
      const { weight: before } = await module.parameters();
      assert.equal(await module.to({ dtype: 'float64', device: 'cpu' }), module);
      const { weight, 'inner.weight': tied, 'inner.steps': steps } = await module.stateDict();
      assert.deepEqual([weight!.dtype, tied!.dtype, steps!.dtype], ['float64', 'float64', 'int64']);
      assert.deepEqual(before!.dataSync(), new Float32Array([1, 2, 3, 4]));
      using input = Tensor.from([1, 1], [2], 'float64');
      assert.deepEqual((await module.forward(input)).dataSync(), new Float64Array([4, 6]));
    });

    it('runs after earlier calls', async () => {
      await using linear = await loadFixture('notes');
      using single = Tensor.from([2, 4], [1, 2]);
      using double = single.to({ dtype: 'float64' });
      const outputs = [
        linear.forward(single),
        linear.to({ dtype: 'float64' }).then((converted) => converted.forward(double)),
      ];
      const dtypes = (await Promise.all(outputs)).map((output) => output.dtype);
      assert.deepEqual(dtypes, ['float32', 'float64']);
    });

    it('runs after earlier and before later calls, for several instances', async () => {
      await using created = await ScriptModule.create(slowScale);
      const path = join(directory.path, 'scale.pt');
      await created.save(path);
      await using scale = await ScriptModule.load(path, { instances: 3, threads: 1 });
      const dtypeAfter = async (rounds: number) => {
        using input = Tensor.from([1]);
        using output = await scale.forward(input, rounds);
        return output.dtype;
      };
      // The parameter is read after the rounds.
      const earlier = [200, 1].map(dtypeAfter);
      const converted = scale.to({ dtype: 'float64' });
      const later = [1, 1, 1].map(dtypeAfter);
      await converted;
      assert.deepEqual(await Promise.all(earlier), ['float32', 'float32']);
      assert.deepEqual(await Promise.all(later), ['float64', 'float64', 'float64']);
    });

    it('rejects invalid targets without changing the module', async () => {
      for (const target of [{ dtype: 'int8' }, { device: 'gpu' }, { dtipe: 'float16' }, null]) {
        await assert.rejects(module.to(target as object), { name: 'OptionError' });
      }
      await assert.rejects(module.to({ device: 'cuda:0', dtype: 'float16' }), {
        code: 'ERR_SEMISUP_DEVICE_UNAVAILABLE',
      });
      assert.equal((await module.parameters()).weight!.dtype, 'float32');
    });
  });

  describe('save', () => {
    it('preserves modified state and tied weights', async () => {
      using input = Tensor.from([1, 1]);
      await module.forward(input);
      const path = join(directory.path, 'state.pt');
      await module.save(pathToFileURL(path));
      await using reloaded = await ScriptModule.load(path);
      assert.deepEqual(legible(await reloaded.stateDict()), legible(await module.stateDict()));
      assert.equal(await reloaded.attribute('count'), 1);
      assert.equal((await reloaded.call<number[]>('past')).length, 1);
      await reloaded.call<ScriptValue>('double_weight');
      assert.deepEqual(
        (await reloaded.parameters())['inner.weight']!.dataSync(),
        new Float32Array([2, 4, 6, 8]),
      );
    });

    it('keeps the extra files unless new ones are passed', async () => {
      await using net = await loadFixture('notes');
      const path = join(directory.path, 'notes.pt');
      const replacement = { 'a/b.txt': '日本語\n\0', ['__proto__']: 'own' };
      for (const [extraFiles, expected] of [
        [undefined, net.extraFiles],
        [{}, {}],
        [replacement, replacement],
      ] as const) {
        await net.save(path, extraFiles && { extraFiles });
        await using reloaded = await ScriptModule.load(path);
        assert.deepEqual(reloaded.extraFiles, expected);
      }
    });

    it('preserves extra files that are not text', async () => {
      const path = join(directory.path, 'notes.pt');
      await using net = await makeSmallNet();
      const binary = Uint8Array.of(0xff, 0x00, 0xfe);
      const shared = new Uint8Array(new SharedArrayBuffer(3));
      shared.set(binary);
      const marked = '\ufeffafter a byte order mark';
      const extraFiles = {
        binary,
        shared,
        view: new Uint8Array([1, ...binary, 1]).subarray(1, 4),
        text: Buffer.from('né'),
        marked,
        empty: new Uint8Array(),
      };
      await net.save(path, { extraFiles });
      await using loaded = await ScriptModule.load(path);
      const expected = { binary, shared: binary, view: binary, text: 'né', marked, empty: '' };
      assert.deepEqual(loaded.extraFiles, expected);
      const first = await readFile(path);
      assert.ok(first.includes(Buffer.from(binary)));
      await loaded.save(path);
      await using again = ScriptModule.loadSync(path);
      assert.deepEqual(again.extraFiles, expected);
    });

    it('replaces a file atomically and leaves no temporary files', async () => {
      const path = join(directory.path, 'net.pt');
      await writeFile(path, 'old');
      await using net = await makeSmallNet();
      await Promise.all([net.save(path), net.save(path)]);
      await using reloaded = await ScriptModule.load(path);
      assert.deepEqual(Object.keys(reloaded.methods).sort(), ['forward', 'pooled']);
      assert.deepEqual(await readdir(directory.path), ['net.pt']);
    });

    it('keeps the existing file if the directory is not writable', async function () {
      if (process.platform === 'win32' || process.getuid?.() === 0) {
        this.test!.title += ' (skipped: this user can write to any directory)';
        this.skip();
      }
      const path = join(directory.path, 'net.pt');
      await writeFile(path, 'old');
      await chmod(directory.path, 0o500);
      await assert.rejects(module.save(path), { code: 'ERR_SEMISUP_MODEL_WRITE', value: path });
      await chmod(directory.path, 0o700);
      assert.equal(await readFile(path, 'utf8'), 'old');
      assert.deepEqual(await readdir(directory.path), ['net.pt']);
    });

    it('rejects invalid paths and extra files', async () => {
      const path = join(directory.path, 'net.pt');
      for (const invalid of ['', 'a\0b', 7, null, new URL('http://localhost/a.pt')]) {
        await assert.rejects(module.save(invalid as string), { name: 'OptionError' });
      }
      for (const extraFiles of [
        { a: 1 },
        { a: [1] },
        { a: new Uint16Array(1) },
        { a: null },
        { '': 'b' },
        { 'a\0': 'b' },
        ['a'],
        null,
        'a',
        7,
      ]) {
        await assert.rejects(module.save(path, { extraFiles } as object), { name: 'OptionError' });
      }
      const unreadable = {
        get a(): string {
          throw new Error('not ready');
        },
      };
      await assert.rejects(module.save(path, { extraFiles: unreadable }), {
        what: "Reading the option 'extraFiles' threw an error: not ready.",
      });
      await assert.rejects(module.save(path, { extraFile: {} } as object), {
        remedy: `Did you mean 'extraFiles'?`,
      });
      assert.deepEqual(await readdir(directory.path), []);
    });
  });
});
