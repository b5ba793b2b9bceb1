import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openDataset, type Dataset } from '../../src/dataset';
import { EvaluationError, OptionError, SwapError } from '../../src/errors';
import { accuracyOn, type AccuracyOptions } from '../../src/evaluate';
import { ModelSlot } from '../../src/slot';
import { colors, openColorModel, saveColor, saveColorModel } from '../support/color-model';
import { temporaryDirectory } from '../support/temporary';

describe('a swap that is checked by accuracyOn', function () {
  this.timeout(60_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  let slot: ModelSlot;

  /** A function that opens a model whose accuracy is 1, 0.9 or 0.8, by its bias against green. */
  const model = (accuracy: 1 | 0.9 | 0.8) => {
    const bias = { 1: 0, 0.9: -2.5, 0.8: -3.5 }[accuracy];
    return async () =>
      await openColorModel(await saveColorModel(path(`${accuracy}.pt`), [0, bias, 0]));
  };

  beforeEach(async () => {
    // Of ten images, four are green: one each is dark enough to be lost by a bias.
    for (const [i, brightness] of [130, 190, 255, 255].entries()) {
      await saveColor(path(`val/green/${i}.png`), 'green', brightness);
    }
    for (const color of [colors[0], colors[2]]) {
      for (let i = 0; i < 3; i++) await saveColor(path(`val/${color}/${i}.png`), color);
    }
    slot = await ModelSlot.open(model(0.9));
  });
  afterEach(async () => {
    await slot.close();
  });

  const swap = async (accuracy: 1 | 0.9 | 0.8, options: AccuracyOptions) => {
    const { version } = await slot.swap(model(accuracy), {
      check: accuracyOn(path('val'), options),
    });
    return version;
  };
  const refuses = async (accuracy: 1 | 0.9 | 0.8, options: AccuracyOptions, message: RegExp) => {
    const { version } = slot;
    await assert.rejects(swap(accuracy, options), (error: unknown) => {
      assert.ok(error instanceof SwapError, String(error));
      assert.equal(error.code, 'ERR_SEMISUP_SWAP_CHECK');
      assert.ok(error.cause instanceof EvaluationError);
      assert.equal(error.cause.code, 'ERR_SEMISUP_EVALUATION_ACCURACY');
      assert.match(error.message, message);
      return true;
    });
    assert.equal(slot.version, version);
  };

  it('succeeds if the accuracy is at least the required one', async () => {
    assert.equal(await swap(1, { atLeast: 0.95 }), 2);
    assert.equal(await swap(0.8, { atLeast: 0.8 }), 3);
  });

  it('fails below it', async () => {
    await refuses(0.8, { atLeast: 0.9 }, /accuracy on .*val is 80 %, and not at least 90 %\./);
  });

  it('compares with the active model', async () => {
    await refuses(0.8, { orDrop: 0.05 }, /is 80 %, and not at most 5 % below .* model's 90 %\./);
    assert.equal(await swap(0.8, { orDrop: 0.1 }), 2);
    // The active model has changed.
    assert.equal(await swap(0.8, { orDrop: 0 }), 3);
  });

  it('accepts either', async () => {
    const options = { atLeast: 0.95, orDrop: 0.01 };
    await refuses(0.8, options, /not at least 95 % or at most 1 % below/);
    assert.equal(await swap(0.9, options), 2);
    assert.equal(await swap(1, options), 3);
  });

  it('measures the active model once', async () => {
    const dataset = await openDataset(path('val'));
    let passes = 0;
    const counted: Dataset = {
      name: dataset.name,
      samples: (options) => {
        passes++;
        return dataset.samples(options);
      },
    };
    const check = accuracyOn(counted, { orDrop: 0.01 });
    for (let i = 0; i < 3; i++) await assert.rejects(slot.swap(model(0.8), { check }));
    assert.equal(passes, 4);
    // The model that was checked last is the active one.
    await slot.swap(model(1), { check });
    await assert.rejects(slot.swap(model(0.9), { check }));
    assert.equal(passes, 6);
  });

  it('ends with the swap', async () => {
    const controller = new AbortController();
    const check = accuracyOn(path('val'), { atLeast: 0 });
    const swapping = slot.swap(model(1), {
      check: async (next, context) => {
        controller.abort(new Error('stop'));
        await check(next, context);
      },
      signal: controller.signal,
    });
    await assert.rejects(swapping, /stop/);
    assert.equal(slot.version, 1);
  });

  it('refuses options that make no sense', () => {
    for (const options of [
      {},
      { atLeast: 90 },
      { orDrop: -1 },
      { orDrop: NaN },
      { atleast: 0.9 },
    ]) {
      assert.throws(() => accuracyOn('val', options), OptionError);
    }
  });
});
