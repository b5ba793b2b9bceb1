import assert from 'node:assert/strict';
import { OptionError, ScriptError, SemisupError } from '../../src/errors';
import { Tensor } from '../../src/native';
import { ScriptModule, type KeywordArguments, type ScriptValue } from '../../src/torch';
import { loadFixture } from '../support/torchscript';

/** Casts a value of an unsupported type. */
const asValue = (value: unknown) => value as ScriptValue;

describe('arguments', () => {
  let plain: ScriptModule;
  let values: ScriptModule;
  let raises: ScriptModule;
  before(async () => {
    plain = await loadFixture('arguments');
    values = await loadFixture('values');
    raises = await loadFixture('raises');
  });
  after(async () => {
    await Promise.all([plain, values, raises].map((module) => module.close()));
  });

  /** Asserts that the synchronous and asynchronous call are rejected before TorchScript runs. */
  async function assertRejected(
    module: ScriptModule,
    [method, ...args]: [string, ...(ScriptValue | KeywordArguments)[]],
    what: string | RegExp,
  ): Promise<void> {
    const expected = { name: 'ScriptError', code: 'ERR_SEMISUP_SCRIPT_ARGUMENT', what };
    await assert.rejects(module.call<ScriptValue>(method, ...args), expected);
    assert.throws(() => module.callSync<ScriptValue>(method, ...args), expected);
  }

  it('are described with types, defaults and result types', () => {
    const { forward, keyword_only, defaults } = plain.methods;
    assert.deepEqual(forward, {
      arguments: [
        { name: 'x', type: 'Tensor', keywordOnly: false },
        { name: 'scale', type: 'float', keywordOnly: false, default: 2 },
        { name: 'bias', type: 'Optional[Tensor]', keywordOnly: false, default: null },
        { name: 'times', type: 'int', keywordOnly: false, default: 1 },
      ],
      returns: 'Tensor',
    });
    assert.deepEqual(
      keyword_only!.arguments.map(({ name, keywordOnly }) => [name, keywordOnly]),
      [
        ['a', false],
        ['b', false],
        ['c', false],
      ],
    );
    assert.equal(keyword_only!.returns, 'Tuple[int, int, str]');
    assert.deepEqual(
      defaults!.arguments.map((one) => one.default),
      [7, 1.5, true, 'é', null, [1, 'a']],
    );
  });

  it('are required without a default', async () => {
    await assertRejected(
      plain,
      ['add', 1],
      `Expected int for the argument 'y' of add(), but received no value.`,
    );
    await assertRejected(
      plain,
      ['forward', { kwargs: { scale: 2 } }],
      `Expected Tensor for the argument 'x' of forward(), but received no value.`,
    );
  });

  it('use the default for undefined', async () => {
    const result = await plain.call<ScriptValue>('defaults', undefined, 2, {
      kwargs: { s: undefined },
    });
    assert.deepEqual(result, [7, 2, true, 'é', null, [1, 'a']]);
    await assertRejected(
      plain,
      ['add', undefined, 1],
      /^Expected int for the argument 'x' of add\(\)/,
    );
  });

  it('must not exceed the parameters of the method', async () => {
    await assertRejected(
      plain,
      ['add', 1, 2, 3],
      'Expected at most 2 positional arguments for add(), but received 3.',
    );
    await assertRejected(
      values,
      ['nothing', null],
      'Expected at most 0 positional arguments for nothing(), but received 1.',
    );
  });

  it('must not have unknown names', async () => {
    for (const name of ['z', '__proto__', 'self', '']) {
      const kwargs = Object.fromEntries([
        ['y', 2],
        [name, undefined],
      ]) as Record<string, ScriptValue>;
      await assertRejected(plain, ['add', 1, { kwargs }], `add() has no argument '${name}'.`);
    }
  });

  it('must not be passed twice', async () => {
    await assertRejected(
      plain,
      ['add', 1, 2, { kwargs: { x: 3 } }],
      `Expected one value for the argument 'x' of add(), but received two.`,
    );
  });

  it('are keyword arguments in a last object with only the key kwargs', async () => {
    const settings = { kwargs: { a: 5 } };
    await assertRejected(plain, ['options', settings], `options() has no argument 'a'.`);
    assert.equal(await plain.call<ScriptValue>('options', settings, { kwargs: {} }), 5);
    assert.equal(await plain.call<ScriptValue>('options', { ...settings, other: {} }), 5);
    assert.equal(await plain.call<ScriptValue>('options', { kwargs: { settings } }), 5);
    assert.equal(await values.call<ScriptValue>('one_of', 's', { kwargs: {} }), 'str');
  });

  it('of the wrong type are reported with their location', async () => {
    using x = Tensor.from([1]);
    const rows = "the argument 'rows' of matrix()";
    const nested = `the argument 'value' of nested()`;
    const tensors = `the argument 'tensors' of by_number()`;
    for (const [method, value, what] of [
      ['matrix', [[1], [2, 'a']], `int for [1] in [1] in ${rows}, but received 'a' of type string`],
      ['matrix', [[1], 2], `List[int] for [1] in ${rows}, but received 2 of type number`],
      ['matrix', [[1], null], `List[int] for [1] in ${rows}, but received null`],
      ['matrix', { 0: [1] }, `List[List[int]] for ${rows}, but received an object`],
      [
        'nested',
        [1, ['s', ['x']], {}],
        `float for [0] in [1] in [1] in ${nested}, but received 'x' of type string`,
      ],
      [
        'nested',
        [1, ['s', [1]], { a: [x, 3] }],
        `a Tensor for [1] in 'a' in [2] in ${nested}, but received 3 of type number`,
      ],
      [
        'nested',
        [1, ['s']],
        /^Expected Tuple\[.*\] for the argument 'value' of nested\(\), but received an array of 2\.$/,
      ],
      [
        'by_number',
        new Map([[1, true]]),
        `a Tensor for the value of a key in ${tensors}, but received true of type boolean`,
      ],
      [
        'by_number',
        new Map([['1', x]]),
        `int for a key in ${tensors}, but received '1' of type string`,
      ],
      ['by_number', { 1: x }, `a Map for Dict[int, Tensor] for ${tensors}, but received an object`],
      [
        'count',
        { a: 1, b: 0.5 },
        `int for 'b' in the argument 'numbers' of count(), but received 0.5 of type number`,
      ],
      [
        'booleans',
        [true, 1],
        `bool for [1] in the argument 'flags' of booleans(), but received 1 of type number`,
      ],
      ['negate', 0, `bool for the argument 'b' of negate(), but received 0 of type number`],
      [
        'text',
        new Date(0),
        `str for the argument 's' of text(), but received an object of class Date`,
      ],
      [
        'device',
        'nowhere',
        `the name of a device for the argument 'd' of device(), but received 'nowhere' of type string`,
      ],
    ] as [string, ScriptValue, string | RegExp][]) {
      await assertRejected(
        values,
        [method, value],
        what instanceof RegExp ? what : `Expected ${what}.`,
      );
    }
  });

  it('are truncated in error messages', async () => {
    await assertRejected(
      values,
      ['integer', 'x'.repeat(10_000)],
      /received 'x{200}\.\.\.' of type string\.$/,
    );
  });

  it('of type Tensor must be instances of Tensor', async () => {
    using x = Tensor.from([1, 2]);
    const detached = new Float32Array(2);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    for (const [value, shown] of [
      [new Float32Array(2), 'an object of class Float32Array'],
      [detached, 'an object of class Float32Array'],
      [[1, 2], 'an array of 2'],
      [structuredClone(x), 'an object'],
      [{ handle: {}, dtype: 'float32', shape: [1], device: 'cpu' }, 'an object'],
      [{ handle: values.executor.handle }, 'an object'],
      [values, 'an object of class ScriptModule'],
      [x.handle, 'an object'],
      [Object.create(Tensor.prototype), 'an object of class Tensor'],
    ] as [unknown, string][]) {
      const what = `Expected a Tensor for the argument 'x' of forward(), but received ${shown}.`;
      await assertRejected(values, ['forward', asValue(value)], what);
    }
  });

  it('must not contain disposed tensors at any depth', async () => {
    const disposed = Tensor.from([1]);
    disposed.dispose();
    for (const [method, value] of [
      ['anything', [{ a: disposed }]],
      ['by_number', new Map([[1, disposed]])],
      ['nested', [1, ['s', []], { a: [disposed] }]],
    ] as [string, ScriptValue][]) {
      await assert.rejects(values.call(method, value), { code: 'ERR_SEMISUP_DISPOSED' });
    }
  });

  it('are checked immediately, even if other calls are pending', async () => {
    await using slow = await loadFixture('slow');
    const running = slow.call<ScriptValue>('forward', 1, 10_000);
    let settled = false;
    void running.then(() => (settled = true));
    await assert.rejects(slow.call('forward', 'one', 1), ScriptError);
    assert.equal(settled, false);
    assert.equal(await running, 1);
  });

  it('for an unknown method are rejected with the nearest method', async () => {
    await assert.rejects(plain.call('foward'), {
      code: 'ERR_SEMISUP_SCRIPT_ARGUMENT',
      what: `The module has no method 'foward'.`,
      remedy: `Did you mean 'forward'?`,
      value: 'foward',
    });
    await assert.rejects(raises.call('x'.repeat(30)), { remedy: 'Call one of forward, deeper.' });
    for (const name of ['hasOwnProperty', '__proto__', 'constructor', '']) {
      await assert.rejects(plain.call(name), ScriptError);
      assert.throws(() => plain.callSync(name), ScriptError);
    }
    await assert.rejects(plain.call(7 as unknown as string), OptionError);
    await assert.rejects(plain.invoke('add', { length: 2 } as unknown as []), OptionError);
  });

  describe('rejected by TorchScript', () => {
    for (const [kind, reason, line] of [
      ['raise', 'ValueError: the value was raise', 'ops.prim.RaiseException('],
      ['assert', 'AssertionError: asserted: ünïcode', 'ops.prim.RaiseException('],
      ['index', 'list index out of range', '_1 = ([x])[7]'],
      ['key', 'KeyError: b', '({"a": x})["b"]'],
      ['shape', 'shapes cannot be multiplied (2x3 and 2x3)', 'torch.matmul(x, x)'],
      ['divide', 'division by 0', 'torch.floordiv(1, _5)'],
    ] as const) {
      it(`raise an error with the traceback: ${kind}`, async () => {
        using x = Tensor.from([1, 2, 3, 4, 5, 6], [2, 3]);
        const expected = (error: unknown) => {
          assert.ok(error instanceof ScriptError);
          assert.equal(error.code, 'ERR_SEMISUP_SCRIPT');
          for (const part of ['Traceback of TorchScript', 'code/__torch__.py', reason, line]) {
            assert.ok(error.what.includes(part), `${part} is not in:\n${error.what}`);
          }
          assert.doesNotMatch(error.what, /frame #|\.so|INTERNAL ASSERT/);
          return true;
        };
        await assert.rejects(raises.forward(x, kind), expected);
        assert.throws(() => raises.forwardSync(x, kind), expected);
        using output = await raises.forward(x, 'none');
        assert.deepEqual(output.dataSync(), new Float32Array([2, 3, 4, 5, 6, 7]));
      });
    }

    it('fail independently in concurrent calls', async () => {
      using x = Tensor.from([1]);
      const kinds = Array.from({ length: 100 }, (_, i) => (i % 2 ? 'raise' : 'none'));
      const outcomes = await Promise.allSettled(kinds.map((kind) => raises.forward(x, kind)));
      outcomes.forEach((outcome, i) => {
        if (i % 2)
          assert.ok(outcome.status === 'rejected' && outcome.reason instanceof SemisupError);
        else assert.ok(outcome.status === 'fulfilled' && outcome.value.dataSync()[0] === 2);
      });
    });
  });
});
