import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Classifier, type ClassifyOptions } from '../../src/classify';
import { OptionError } from '../../src/errors';
import { batch, viewCounts } from '../../src/image';
import { ModelSlot } from '../../src/slot';
import type { Pixels, Views } from '../../src/types';
import { saveGeneratedModel } from '../support/generated-model';
import { noise } from '../support/pixels';

const names = Object.keys(viewCounts) as Views[];

describe('views and temperature', function () {
  this.timeout(120_000);
  const images = [noise(90, 70, 3), noise(64, 200, 1), noise(71, 71, 4)];
  let directory: string;
  let path: string;
  let model: Classifier;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    path = await saveGeneratedModel(join(directory, 'resnet18.pt'), 'resnet18');
    model = await Classifier.open(path, { plan: 'untuned', size: 64 });
  });
  after(async () => {
    await model?.close();
    await rm(directory, { recursive: true });
  });

  /** The output of a method for each view of an image, which is run alone. */
  async function outputs(image: Pixels, views: Views, method: string): Promise<Float32Array[]> {
    const { module, metadata } = model;
    using input = await batch(module.executor, [image], { ...metadata.transform, views });
    using output = await module.invoke(method, [input]);
    const data = (await output.data()) as Float32Array;
    const [rows = 0, columns = 0] = output.shape;
    assert.equal(rows, viewCounts[views]);
    return Array.from({ length: rows }, (_, i) => data.subarray(i * columns, (i + 1) * columns));
  }

  const meanOf = (rows: readonly Float32Array[]) =>
    Float32Array.from(
      rows[0]!,
      (_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / rows.length,
    );

  function assertClose(actual: Float32Array, expected: Float32Array): void {
    assert.equal(actual.length, expected.length);
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const [i, value] of expected.entries()) {
      assert.ok(Math.abs(actual[i]! - value) <= 1e-4 * largest, `${i}: ${actual[i]}, ${value}`);
    }
  }

  for (const views of names) {
    it(`average logits and embeddings: ${views}`, async () => {
      using logits = await model.logits(images, { views });
      assert.deepEqual(logits.shape, [images.length, 1000]);
      const data = await logits.data();
      const embeddings = await model.embed(images, { views });
      for (const [i, image] of images.entries()) {
        const row = data.subarray(i * 1000, (i + 1) * 1000);
        assertClose(row, meanOf(await outputs(image, views, 'forward')));
        assertClose(embeddings[i]!, meanOf(await outputs(image, views, 'features')));
      }
    });
  }

  it('are the softmax of the mean of logits', async () => {
    const results = await model.classify(images, { views: 'ten-crop', topk: 1000 });
    using logits = await model.logits(images, { views: 'ten-crop' });
    const data = await logits.data();
    for (const [i, predictions] of results.entries()) {
      const row = data.subarray(i * 1000, (i + 1) * 1000);
      const sum = row.reduce((total, logit) => total + Math.exp(logit), 0);
      for (const { index, score } of predictions) {
        assert.ok(Math.abs(score - Math.exp(row[index]!) / sum) < 1e-6);
      }
      assert.equal(predictions[0]!.index, row.indexOf(Math.max(...row)));
    }
  });

  it('are the center by default', async () => {
    assert.deepEqual(await model.embed(images), await model.embed(images, { views: 'center' }));
  });

  it('share batches with calls of other views and temperatures', async () => {
    const options: ClassifyOptions[] = names.flatMap((views) => [
      { views },
      { views, temperature: 3, topk: 2 },
    ]);
    const together = await Promise.all(options.map((one) => model.classify(images, one)));
    for (const [i, one] of options.entries()) {
      const alone = await model.classify(images, one);
      for (const [j, predictions] of together[i]!.entries()) {
        const [actual, expected] = [predictions, alone[j]!];
        assert.deepEqual(
          actual.map(({ index }) => index),
          expected.map(({ index }) => index),
        );
        for (const [k, { score }] of actual.entries()) {
          assert.ok(Math.abs(score - expected[k]!.score) < 1e-5);
        }
      }
    }
  });

  it('normalize embeddings after their mean', async () => {
    const [embedding] = await model.embed(images, { views: 'flip', normalize: true });
    const norm = embedding!.reduce((sum, value) => sum + value * value, 0);
    assert.ok(Math.abs(norm - 1) < 1e-5, `${norm}`);
  });

  it('return the errors of images', async () => {
    const results = await model.classify([images[0]!, '/nowhere.jpg', images[1]!], {
      views: 'five-crop',
      onError: 'return',
    });
    assert.deepEqual(results.map(Array.isArray), [true, false, true]);
  });

  it('change the scores by the temperature, but not the order', async () => {
    const image = images[0]!;
    using logits = await model.logits(image);
    const data = await logits.data();
    const plain = await model.classify(image, { topk: 1000 });
    for (const temperature of [0.5, 1, 2, 1e9]) {
      const { predictions } = await model.classifyDetailed(image, { temperature, topk: 1000 });
      assert.deepEqual(
        predictions.map(({ index }) => index),
        plain.map(({ index }) => index),
      );
      const largest = Math.max(...data);
      const exponential = (logit: number) => Math.exp((logit - largest) / temperature);
      const sum = data.reduce((total, logit) => total + exponential(logit), 0);
      for (const { index, score } of predictions) {
        assert.ok(Math.abs(score - exponential(data[index]!) / sum) < 1e-6);
      }
    }
  });

  it('are options of a slot', async () => {
    await using slot = await ModelSlot.open(path, { plan: 'untuned', size: 64 });
    const options = { views: 'flip', temperature: 2 } as const;
    assert.deepEqual(await slot.classify(images, options), await model.classify(images, options));
    assert.deepEqual(
      await slot.embed(images, { views: 'flip' }),
      await model.embed(images, { views: 'flip' }),
    );
    using expected = await model.logits(images, { views: 'flip' });
    using actual = await slot.logits(images, { views: 'flip' });
    assert.deepEqual(await actual.data(), await expected.data());
  });

  it('must be valid', async () => {
    const image = images[0]!;
    const calls: [call: () => Promise<unknown>, message: RegExp][] = [
      [
        () => model.classify(image, { views: 'tencrop' as Views }),
        /^Expected one of 'center', .* for views, but received 'tencrop'/,
      ],
      [() => model.embed(image, { views: 'all' as Views }), /for views, but received 'all'/],
      [() => model.logits(image, { views: 10 as never }), /for views, but received 10/],
      [() => model.explain(image, { views: 'flip' } as object), /explain has no option 'views'/],
      [() => model.embed(image, { temperature: 2 } as object), /embed has no option 'temperature'/],
      ...[0, -1, NaN, Infinity, '1' as never].map(
        (temperature): [() => Promise<unknown>, RegExp] => [
          () => model.classify(image, { temperature }),
          /^Expected a number above 0 for temperature, but received/,
        ],
      ),
    ];
    for (const [call, message] of calls) {
      await assert.rejects(call(), (error: unknown) => {
        assert.ok(error instanceof OptionError);
        assert.match(error.message, message);
        return true;
      });
    }
  });
});
