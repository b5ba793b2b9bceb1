import assert from 'node:assert/strict';
import { OptionError } from '../../src/errors';
import {
  checkOptionNames,
  guardGetters,
  invalidArgument,
  invalidValue,
  nearest,
} from '../../src/options';

describe('checkOptionNames', () => {
  const check = (options: unknown) => {
    checkOptionNames(options as object, ['topk', 'device'], 'classify');
  };

  it('accepts missing, empty and known options', () => {
    check(undefined);
    check({});
    check({ device: 'cpu', topk: 5 });
  });

  it('rejects an unknown option and suggests the nearest known one', () => {
    assert.throws(
      () => {
        check({ topK: 5 });
      },
      {
        name: 'OptionError',
        code: 'ERR_SEMISUP_OPTION_UNKNOWN',
        value: 'topK',
        remedy: "Did you mean 'topk'?",
      },
    );
    assert.throws(() => {
      check({ color: 1 });
    }, /Use one of topk, device\./);
  });

  it('rejects options that are not an object', () => {
    for (const invalid of [null, 5, 'cpu', [], true]) {
      assert.throws(() => {
        check(invalid);
      }, OptionError);
    }
  });

  it('reports the name, the expected value and the received value of an invalid option', () => {
    assert.equal(
      invalidValue('topk', 'a whole number', 'five').message,
      "Expected a whole number for topk, but received 'five' of type string. Correct the value, or leave it out for the default.",
    );
    for (const value of [null, undefined, [], {}, Object.create(null), () => 1, Symbol(), 1n]) {
      assert.match(invalidValue('x', 'y', value).message, /^Expected y for x, but received /);
    }
  });
});

describe('invalidArgument', () => {
  it('does not suggest to omit a required value', () => {
    assert.equal(
      invalidArgument('the name of a model', 'a string', 5).message,
      'Expected a string for the name of a model, but received 5 of type number. Correct the value.',
    );
  });
});

describe('guardGetters', () => {
  const throwing = (reason: unknown) => ({
    get option(): never {
      throw reason;
    },
  });
  const read = (object: { option: unknown }) =>
    guardGetters('the shape', object, () => object.option);

  it('returns what the function returns', () => {
    assert.equal(read({ option: 5 }), 5);
  });

  it('reports what a getter throws', () => {
    const cause = new Error('not ready');
    assert.throws(() => read(throwing(cause)), {
      name: 'OptionError',
      message:
        'Reading the shape threw an error: not ready. Pass plain values, without getters that throw.',
      cause,
    });
    assert.throws(() => read(throwing(7)), /Reading the shape threw an error: 7 of type number\./);
  });

  it('abbreviates a long message', () => {
    assert.throws(
      () => read(throwing(new Error('x'.repeat(5000)))),
      (error: Error) => error.message.length < 400,
    );
  });
});

describe('nearest', () => {
  it('returns the name that differs by a typo', () => {
    assert.equal(nearest('swpa', ['swap', 'swamp']), 'swap');
    assert.equal(nearest('resnet50_swls', ['resnet50_ssl', 'resnet50_swsl']), 'resnet50_swsl');
  });

  it('returns undefined if no name is similar', () => {
    assert.equal(nearest('bicycle', ['device', 'topk']), undefined);
    assert.equal(nearest('x', []), undefined);
  });
});
