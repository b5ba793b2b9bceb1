import assert from 'node:assert/strict';
import { runInNewContext } from 'node:vm';
import { ScriptError, SemisupError } from '../../src/errors';
import { Tensor } from '../../src/native';
import { ScriptModule, type ScriptValue } from '../../src/torch';
import { decode, goldens, legible, loadFixture } from '../support/torchscript';

/** Calls a method and reads the tensors of its result. */
async function call(
  module: ScriptModule,
  method: string,
  ...args: ScriptValue[]
): Promise<unknown> {
  return legible(await module.call<ScriptValue>(method, ...args));
}

describe('values', () => {
  const modules = new Map<string, ScriptModule>();
  before(async () => {
    for (const name of new Set(goldens.calls.map((golden) => golden.module))) {
      modules.set(name, await loadFixture(name));
    }
    modules.set('refused', await loadFixture('refused'));
  });
  after(async () => {
    for (const module of modules.values()) await module.close();
  });
  const get = (name: string) => modules.get(name)!;

  describe('matches Python', () => {
    for (const golden of goldens.calls) {
      const { module: name, method, inputAfterwards } = golden;
      const printedArgs = JSON.stringify([golden.args, golden.kwargs]).replaceAll(
        /"bytes":"[^"]*"/g,
        '…',
      );
      it(`in ${name}.${method} ${printedArgs.slice(1, 80)}`, async () => {
        for (const run of ['call', 'callSync'] as const) {
          const module = await loadFixture(name);
          const args = golden.args.map(decode);
          const keywords = golden.kwargs.map(([key, value]) => [key, decode(value)]);
          const kwargs = { kwargs: Object.fromEntries(keywords) as Record<string, ScriptValue> };
          const result = await module[run]<ScriptValue>(method, ...args, kwargs);
          assert.deepEqual(legible(result), legible(decode(golden.result)));
          if (inputAfterwards !== undefined) {
            assert.deepEqual(legible(args[0]), legible(decode(inputAfterwards)));
          }
          await module.close();
        }
      });
    }
  });

  it('may have keys that are special in JavaScript', async () => {
    const numbers = JSON.parse(
      '{ "__proto__": 1, "constructor": 2, "toString": 3 }',
    ) as ScriptValue;
    const counted = await call(get('values'), 'count', numbers);
    assert.deepEqual(Object.entries(counted as object), [
      ['__proto__', 2],
      ['constructor', 3],
      ['toString', 4],
    ]);
    assert.equal(Object.getPrototypeOf(counted), Object.prototype);
  });

  it('may be Maps for string dicts and arrays for named tuples', async () => {
    assert.deepEqual(await call(get('values'), 'count', new Map([['a', 1]])), { a: 2 });
    assert.deepEqual(await call(get('values'), 'mirror', [1, 2]), { x: 2, y: 1 });
  });

  it('for named tuples must have exactly the fields of the tuple', async () => {
    await assert.rejects(call(get('values'), 'mirror', { y: 3 }), {
      code: 'ERR_SEMISUP_SCRIPT_ARGUMENT',
      what: `Expected float for 'x' in the argument 'point' of mirror(), but received undefined.`,
    });
    await assert.rejects(call(get('values'), 'mirror', { x: 3, Y: 4 }), {
      code: 'ERR_SEMISUP_SCRIPT_ARGUMENT',
      what: `The named tuple __torch__.Point of the argument 'point' of mirror() has no field 'Y'.`,
    });
  });

  it('of None may be undefined', async () => {
    assert.equal(await call(get('values'), 'optional', undefined), null);
    assert.deepEqual(await call(get('values'), 'gaps', [1, undefined]), [1, null]);
  });

  it('follow the schema for the distinction of int and float', async () => {
    assert.deepEqual(await call(get('values'), 'divide', 3, 3), [1, 1.5]);
    assert.deepEqual(await call(get('values'), 'reals', [1, 2]), [0.5, 1]);
    await assert.rejects(call(get('values'), 'divide', 3.5, 3), ScriptError);
    await assert.rejects(call(get('values'), 'integer', 2 ** 53), ScriptError);
    await assert.rejects(call(get('values'), 'integer', 2n ** 63n), ScriptError);
    await assert.rejects(call(get('values'), 'integer', NaN), ScriptError);
    await assert.rejects(call(get('values'), 'real', 1n), ScriptError);
    assert.equal(await call(get('values'), 'integer', -0), 0);
  });

  it('determine their own type where the schema declares Any or Union', async () => {
    const kind = async (value: ScriptValue) => await call(get('values'), 'kind', value);
    assert.equal(await kind(1n), 'int');
    assert.equal(await kind(2 ** 53), 'float');
    assert.equal(await kind([1, 2.5]), 'List[float]');
    assert.equal(await kind([1, 'a']), 'other');
    assert.equal(await kind([]), 'other');
    assert.equal(await kind(new Map([['a', 1]])), 'Dict[str, int]');
    assert.deepEqual(await call(get('values'), 'anything', [1, 'a', null]), [1, 'a', null]);
    assert.deepEqual(
      await call(get('values'), 'anything', { a: [1, { b: new Map([[1, true]]) }] }),
      { a: [1, { b: new Map([[1, true]]) }] },
    );
    assert.equal(await call(get('values'), 'one_of', [1, 2]), 'List[float]');
    await assert.rejects(call(get('values'), 'one_of', true), {
      what: /^Expected .*Union\[.*\].* for the argument 'value' of one_of\(\), but received true of type boolean\.$/,
    });
  });

  it('may come from another realm', async () => {
    const foreign = runInNewContext(
      `({ numbers: { a: 1 }, list: [1, 2], bytes: new Int16Array(2) })`,
    ) as {
      numbers: Record<string, number>;
      list: number[];
      bytes: Int16Array;
    };
    assert.deepEqual(await call(get('values'), 'count', foreign.numbers), { a: 2 });
    assert.deepEqual(await call(get('values'), 'integers', foreign.list), [1, 2, 0]);
    assert.equal(Tensor.from(foreign.bytes).dtype, 'int16');
  });

  it('may be proxies', async () => {
    assert.deepEqual(await call(get('values'), 'integers', new Proxy([1, 2], {})), [1, 2, 0]);
    assert.deepEqual(await call(get('values'), 'anything', new Proxy([1, 2], {})), [1, 2]);
    assert.deepEqual(await call(get('values'), 'count', new Proxy({ a: 1 }, {})), { a: 2 });
  });

  it('modified in place change the data of the caller, but neither its shapes nor its lists', async () => {
    using x = Tensor.from(new Float32Array([1, 2]));
    const numbers = [1];
    using same = await get('arguments').call('mutate', x, numbers);
    assert.deepEqual(x.dataSync(), new Float32Array([2, 4]));
    assert.deepEqual(same.dataSync(), new Float32Array([2, 4]));
    assert.deepEqual(numbers, [1]);
    assert.deepEqual(await call(get('arguments'), 'reshape_in_place', x), [1, 2]);
    assert.deepEqual(x.shape, [2]);
    assert.deepEqual(x.dataSync(), new Float32Array([6, 12]));
    assert.equal(String(x.reshape([2, 1])), 'tensor([[ 6.],\n        [12.]])');
  });

  it('pass between modules without a copy', async () => {
    using x = Tensor.from(new Float32Array([1, 2]));
    using doubled = await get('values').forward(x);
    using again = await get('values').forward(doubled);
    assert.deepEqual(again.dataSync(), new Float32Array([4, 8]));
    assert.equal((await get('arguments').call('mutate', again, [])).dataSync()[0], 8);
    assert.equal(again.dataSync()[0], 8);
  });

  it('without a JavaScript equivalent are rejected by type name', async () => {
    const refused = get('refused');
    const results = [
      ['make_counter', /type __torch__\.Counter, which has no JavaScript equivalent/],
      ['colour', /type (Enum<)?__torch__\.Colour>?, which has no JavaScript equivalent/],
      ['imaginary', /type complex, which has no JavaScript equivalent/],
      ['later', /type Future\[Tensor\], which has no JavaScript equivalent/],
    ] as const;
    for (const [method, what] of results) {
      const args = method === 'later' ? [Tensor.from([1])] : [];
      await assert.rejects(call(refused, method, ...args), { code: 'ERR_SEMISUP_SCRIPT', what });
      assert.throws(() => refused.callSync(method, ...args), { code: 'ERR_SEMISUP_SCRIPT', what });
    }
    await assert.rejects(call(refused, 'take_counter', {}), {
      code: 'ERR_SEMISUP_SCRIPT_ARGUMENT',
      what: `The TorchScript type __torch__.Counter of the argument 'counter' of take_counter() has no JavaScript equivalent.`,
    });
    await assert.rejects(call(refused, 'take_counters', { a: [{}] }), {
      code: 'ERR_SEMISUP_SCRIPT_ARGUMENT',
      what: /^The TorchScript type __torch__\.Counter of \[0\] in 'a' in the argument 'counters'/,
    });
    assert.equal(refused.methods.imaginary?.arguments[0]?.type, 'complex');
    assert.match(String(refused.methods.imaginary.arguments[0].default), /^0\.\+1\.j$/);
  });

  it('are rejected if they are tensors with an unsupported layout or dtype', async () => {
    for (const [kind, what] of [
      ['complex32', 'A tensor of dtype complex32 has no JavaScript equivalent.'],
      ['float8_e4m3fn', 'A tensor of dtype float8_e4m3fn has no JavaScript equivalent.'],
      ['quantised', 'A tensor of dtype quint8 has no JavaScript equivalent.'],
      ['sparse', 'A tensor of layout Sparse has no JavaScript equivalent.'],
      ['mkldnn', 'A tensor of layout Mkldnn has no JavaScript equivalent.'],
    ] as const) {
      const expected = {
        code: 'ERR_SEMISUP_TENSOR_UNSUPPORTED',
        what,
        remedy: /^Convert it in the module/,
      };
      await assert.rejects(call(get('tensors'), 'forward', kind), expected);
      assert.throws(() => get('tensors').forwardSync(kind), expected);
    }
    using meta = await get('tensors').forward('meta');
    assert.throws(() => meta.dataSync(), { code: 'ERR_SEMISUP_TENSOR' });
    using huge = await get('tensors').forward('huge');
    assert.throws(() => huge.dataSync(), { code: 'ERR_SEMISUP_TENSOR' });
    await assert.rejects(huge.toFloat32(), { code: 'ERR_SEMISUP_TENSOR' });
    using hugeComplex = await get('tensors').forward('huge complex');
    assert.throws(() => hugeComplex.dataSync(), { code: 'ERR_SEMISUP_TENSOR' });
  });

  it('may be nested up to 100 levels deep and not be cyclic', async () => {
    const nest = (depth: number) => {
      let value: ScriptValue = 0;
      for (let i = 0; i < depth; i++) value = [value];
      return value;
    };
    assert.deepEqual(await call(get('values'), 'anything', nest(99)), nest(99));
    assert.deepEqual(
      await call(get('refused'), 'nest', 99),
      await call(get('values'), 'anything', nest(99)),
    );
    const cyclic: ScriptValue[] = [];
    cyclic.push([cyclic]);
    const ring: Record<string, ScriptValue> = {};
    ring.ring = ring;
    for (const value of [nest(101), nest(10000), cyclic, ring]) {
      await assert.rejects(call(get('values'), 'anything', value), {
        code: 'ERR_SEMISUP_SCRIPT_ARGUMENT',
        what: /^Expected at most 100 levels of nesting for/,
      });
    }
    for (const [method, ...args] of [['cycle'], ['nest', 200], ['nest', 5000]] as const) {
      await assert.rejects(call(get('refused'), method, ...args), {
        code: 'ERR_SEMISUP_SCRIPT',
        what: 'TorchScript returned a value nested more than 100 levels deep.',
      });
    }
  });

  it('may have many elements', async () => {
    const long = Array.from({ length: 200_000 }, (_, i) => i);
    assert.deepEqual(await call(get('values'), 'integers', long), [...long, 0]);
    const text = 'ü'.repeat(1_000_000);
    assert.deepEqual(await call(get('values'), 'text', text), [`${text}!`, 2_000_000]);
  });

  it('are rejected if reading them throws or their type is unsupported', async () => {
    const throwing = {
      get handle(): never {
        throw new TypeError('not this');
      },
      get a(): never {
        throw new TypeError('not this');
      },
    };
    const trap = new Proxy(
      {},
      { get: () => assert.fail('trapped'), ownKeys: () => assert.fail('trapped') },
    );
    const { proxy: revoked, revoke } = Proxy.revocable({}, {});
    revoke();
    const { proxy: revokedArray, revoke: revokeArray } = Proxy.revocable([], {});
    revokeArray();
    const { values } = { values: get('values') };
    for (const value of [
      throwing,
      trap,
      revoked,
      revokedArray,
      Symbol('s'),
      () => 1,
      new Date(),
      /a/,
      new Set(),
      Promise.resolve(1),
      new WeakMap(),
      Object.create(SemisupError.prototype),
      new ArrayBuffer(1),
      new Float32Array(1),
    ]) {
      const unsupported = value as unknown as ScriptValue;
      for (const [method, ...args] of [
        ['forward', unsupported],
        ['anything', unsupported],
        ['kind', [unsupported]],
        ['count', unsupported],
        ['count', { a: unsupported }],
        ['integers', unsupported],
        ['integers', [unsupported]],
        ['text', unsupported],
        ['optional', unsupported],
        ['one_of', unsupported],
        ['mirror', unsupported],
        ['nested', unsupported],
        ['by_number', unsupported],
        ['by_number', new Map([[unsupported, unsupported]])],
        ['device', unsupported],
      ] as [string, ...ScriptValue[]][]) {
        await assert.rejects(values.call(method, ...args), SemisupError, method);
        assert.throws(() => values.callSync(method, ...args), SemisupError);
      }
    }
  });
});
