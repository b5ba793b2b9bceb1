import assert from 'node:assert/strict';
import { OptionError } from '../../src/errors';
import { checkOptionNames, nearest, invalidValue } from '../../src/options';

describe('options', () => {
  const check = (options: unknown) => {
    checkOptionNames(options as object, ['topk', 'device'], 'classify');
  };

  it('may be left out', () => {
    check(undefined);
    check({});
    check({ device: 'cpu', topk: 5 });
  });

  it('that are unknown are refused, with the nearest known one', () => {
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
      check({ colour: 1 });
    }, /Use one of topk, device\./);
  });

  it('must be an object', () => {
    for (const wrong of [null, 5, 'cpu', [], true]) {
      assert.throws(() => {
        check(wrong);
      }, OptionError);
    }
  });

  it('of a wrong value are named, with what was expected', () => {
    assert.equal(
      invalidValue('topk', 'a whole number', 'five').message,
      "Expected a whole number for topk, but received 'five' of type string. Correct the value, or leave it out for the default.",
    );
    for (const value of [null, undefined, [], {}, Object.create(null), () => 1, Symbol(), 1n]) {
      assert.match(invalidValue('x', 'y', value).message, /^Expected y for x, but received /);
    }
  });
});

describe('the nearest name', () => {
  it('is one that a slip of the finger away', () => {
    assert.equal(nearest('swpa', ['swap', 'swamp']), 'swap');
    assert.equal(nearest('resnet50_swls', ['resnet50_ssl', 'resnet50_swsl']), 'resnet50_swsl');
  });

  it('is none where all are far', () => {
    assert.equal(nearest('bicycle', ['device', 'topk']), undefined);
    assert.equal(nearest('x', []), undefined);
  });
});
