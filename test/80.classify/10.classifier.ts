import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { Classifier, type ClassifierOpenOptions, type Prediction } from '../../src/classify';
import { ImageError, ModelError, OptionError } from '../../src/errors';
import { hub } from '../../src/hub';
import { batch, decode } from '../../src/image';
import { memory, Tensor } from '../../src/native';
import { ScriptModule, openExecutor } from '../../src/torch';
import type { ModuleSpec } from '../../src/types';
import { isEmulated } from '../support/emulated';
import { collectGarbage } from '../support/garbage';
import { generatedWeights } from '../support/generated-weights';
import { noise } from '../support/pixels';
import { root } from '../support/run-node';
import { makeSmallNet } from '../support/small-net';

const clock = join(root, 'examples', 'clock.jpg');

/** A classifier of three classes that takes half a second for each batch. */
const slowNet: ModuleSpec = {
  type: 'SlowNet',
  source: `
def forward(self, x):
    y = torch.ones([500, 500])
    for i in range(${isEmulated ? 2 : 200}):
        y = torch.matmul(y, y) * 0.001
    return torch.mean(x, [2, 3]) + torch.mean(y) * 0
`,
};

describe('Classifier', function () {
  this.timeout(120_000);
  const generated = generatedWeights();
  let model: Classifier;

  // An emulated processor takes a minute for an image of 224 x 224 pixels, and a hundred times as long for tuning.
  const openOptions: ClassifierOpenOptions = isEmulated
    ? { plan: 'untuned', transform: { resize: 37, crop: 32 } }
    : {};
  const openModel = async (): Promise<Classifier> => {
    const { weights } = generated;
    if (!isEmulated) return await hub.load('resnet18_swsl', { weights });
    const path = join(generated.directory, 'model.pt');
    await hub.exportTorchScript('resnet18_swsl', path, { weights });
    return await Classifier.open(path, openOptions);
  };

  before(async () => {
    model = await openModel();
  });
  after(() => model?.close());

  it('returns the five most probable classes in descending order', async () => {
    const answer = await model.classify(clock);
    assert.equal(answer.length, 5);
    for (const [i, { index, wnid, label, score }] of answer.entries()) {
      assert.deepEqual({ wnid, label }, pick(model.classes[index]!));
      assert.ok(score > 0 && score <= (answer[i - 1]?.score ?? 1));
    }
  });

  it('returns the softmax of the logits as scores', async () => {
    const answer = await model.classify(clock, { topk: 1000 });
    using logits = await model.logits(clock);
    assert.deepEqual(logits.shape, [1, 1000]);
    const exponentials = [...(await logits.data())].map(Math.exp);
    const sum = exponentials.reduce((a, b) => a + b);
    assert.equal(new Set(answer.map(({ index }) => index)).size, 1000);
    for (const { index, score } of answer) {
      assert.ok(Math.abs(score - exponentials[index]! / sum) < 1e-6);
    }
  });

  it('returns the same predictions for a path, a URL, bytes and pixels', async () => {
    const expected = await model.classify(clock);
    const { data, info } = await decoded();
    const images = [
      pathToFileURL(clock),
      pathToFileURL(clock).href,
      await readFile(clock),
      new Uint8Array(await readFile(clock)),
      { data, width: info.width, height: info.height, channels: 3 as const },
    ];
    for (const image of images) assert.deepEqual(await model.classify(image), expected);
  });

  it('classifies many images in order, with the same results as single calls', async () => {
    const images = Array.from({ length: 11 }, (_, i) => noise(240 + 16 * i, 260, 3));
    const batched = await model.classify(images, { topk: 1 });
    assert.equal(batched.length, 11);
    for (const [i, image] of images.entries()) {
      const [single] = await model.classify(image, { topk: 1 });
      assert.equal(batched[i]![0]!.index, single!.index);
      assert.ok(Math.abs(batched[i]![0]!.score - single!.score) < 1e-5);
    }
    assert.deepEqual(await model.classify([]), []);
  });

  it('embeds an image as the features before the last layer', async () => {
    const [first, second] = await model.embed([clock, noise(300, 300, 3)]);
    assert.equal(first!.length, 512);
    assert.ok(first!.every((value) => value >= 0 && Number.isFinite(value)));
    assert.notDeepEqual(first, second);
    assertClose(await model.embed(clock), first!);
  });

  it("accepts the caller's tensors", async () => {
    const executor = await openExecutor();
    using input = await batch(executor, [await decode(clock)], model.metadata.transform);
    using output = await model.forward(input);
    using logits = await model.logits(clock);
    assert.deepEqual(await output.data(), await logits.data());
    await executor.close();
  });

  it('reports the duration of each stage', async () => {
    const { predictions, timings } = await model.classifyDetailed(clock);
    assert.equal(predictions.length, 5);
    for (const stage of ['decode', 'transform', 'forward'] as const) assert.ok(timings[stage] > 0);
  });

  it('rejects an invalid topk and unknown options', async () => {
    for (const topk of [0, 1001, 1.5, '5' as unknown as number]) {
      await assert.rejects(model.classify(clock, { topk }), OptionError);
    }
    await assert.rejects(model.classify(clock, { topK: 5 } as object), (error: Error) =>
      error.message.includes("Did you mean 'topk'?"),
    );
  });

  it('remains usable after an image fails to decode', async () => {
    await assert.rejects(model.classify([clock, __filename]), ImageError);
    assert.equal((await model.classify(clock)).length, 5);
  });

  it('reports which image of an array failed', async () => {
    const images = [clock, noise(300, 300, 3), Buffer.from('text'), 'none.jpg'];
    for (const call of [model.classify(images), model.embed(images), model.logits(images)]) {
      await assert.rejects(call, (error: unknown) => {
        assert.ok(error instanceof ImageError);
        assert.ok(error.index === 2 || error.index === 3);
        assert.ok(error.message.startsWith(`images[${error.index}]: `), error.message);
        return true;
      });
    }
    await assert.rejects(model.classify('none.jpg'), (error: unknown) => {
      assert.ok(error instanceof ImageError);
      assert.deepEqual(
        [error.index, error.message.slice(0, 19)],
        [undefined, 'The image none.jpg '],
      );
      return true;
    });
    const invalid = model.classify([clock, 5 as unknown as string]);
    await assert.rejects(invalid, (error: unknown) => {
      assert.ok(error instanceof OptionError);
      assert.equal(error.index, 1);
      return true;
    });
  });

  it(`returns the errors of images in place of their results with onError: 'return'`, async () => {
    const images = ['none.jpg', clock, Buffer.from('text'), clock];
    const expected = await model.classify(clock);
    const results = await model.classify(images, { onError: 'return' });
    for (const result of [results[1], results[3]] as Prediction[][]) {
      assert.deepEqual(
        result.map(({ label }) => label),
        expected.map(({ label }) => label),
      );
      // Images of one batch may run by other algorithms than a single one.
      for (const [i, { score }] of result.entries()) {
        assert.ok(Math.abs(score - expected[i]!.score) < 1e-5);
      }
    }
    for (const [index, code] of [
      [0, 'ERR_SEMISUP_IMAGE_NOT_FOUND'],
      [2, 'ERR_SEMISUP_IMAGE_FORMAT'],
    ] as const) {
      const error = results[index];
      assert.ok(error instanceof ImageError);
      assert.deepEqual([error.index, error.code], [index, code]);
    }
    const rows = await model.embed(images, { onError: 'return' });
    assert.ok(rows[0] instanceof ImageError && rows[1] instanceof Float32Array);
    const detailed = await model.classifyDetailed(images, { onError: 'return' });
    assert.ok(detailed[2] instanceof ImageError && 'timings' in detailed[3]!);
    await assert.rejects(model.classify(clock, { onError: 'return' } as object), OptionError);
    await assert.rejects(model.classify(images, { onError: 'ignore' } as object), OptionError);
    await assert.rejects(model.logits(images, { onError: 'return' } as object), OptionError);
  });

  it('applies the limits it was opened with', async () => {
    const options = { weights: generated.weights, plan: 'interpreter' } as const;
    await using small = await hub.load('resnet18_swsl', { ...options, limits: { pixels: 1000 } });
    const tooLarge = { code: 'ERR_SEMISUP_IMAGE_TOO_LARGE' };
    await assert.rejects(small.classify(clock), tooLarge);
    const unknown = { ...options, limits: { megapixels: 5 } };
    await assert.rejects(hub.load('resnet18_swsl', unknown as object), OptionError);
  });

  it('rejects with the reason of an aborted signal, and remains usable', async () => {
    const reason = new Error('canceled');
    await assert.rejects(model.classify(clock, { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const aborted = model.classify(Array(64).fill(clock), { signal: controller.signal });
    setTimeout(() => {
      controller.abort(reason);
    }, 20);
    await assert.rejects(aborted, reason);
    assert.equal((await model.classify(clock)).length, 5);
  });

  it('disposes its intermediate tensors', async () => {
    const before = memory().tensors.count;
    await Promise.all([model.classify(clock), model.embed(clock)]);
    assert.equal(memory().tensors.count, before);
  });

  it('completes running calls when it is closed, and rejects later ones', async () => {
    const closing = await openModel();
    const modules = memory().modules.count;
    const { crop } = closing.metadata.transform;
    using input = Tensor.from(new Float32Array(3 * crop ** 2), [1, 3, crop, crop]);
    const outputs = [closing.forward(input), closing.forward(input), closing.forward(input)];
    const predictions = [closing.classify([clock, clock]), closing.classify(clock)];
    const others = Promise.all([closing.embed(clock), closing.logits([clock, clock])]);
    await Promise.all([closing.close(), closing.close()]);
    for (const output of await Promise.all(outputs)) assert.deepEqual(output.shape, [1, 1000]);
    assert.deepEqual(
      (await Promise.all(predictions)).map(({ length }) => length),
      [2, 5],
    );
    const [features, logits] = await others;
    assert.deepEqual([features.length, logits.shape], [512, [2, 1000]]);
    logits.dispose();
    assert.equal(memory().modules.count, modules - 1);
    await assert.rejects(closing.classify(clock), { code: 'ERR_SEMISUP_DISPOSED' });
  });

  it('bounds the number of decoded images across concurrent calls', async () => {
    const { data, width, height } = noise(2000, 1500, 3);
    const photo = await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg()
      .toBuffer();
    const path = join(generated.directory, 'slow.pt');
    await using module = await ScriptModule.create(slowNet);
    await module.save(path);
    // Slower than decoding, so that decoded images wait for it.
    await using slow = await Classifier.open(path, {
      classes: ['one', 'two', 'three'],
      // Emulated decoders take longer than the default limit.
      limits: { milliseconds: 600_000 },
    });
    collectGarbage();
    const before = process.memoryUsage().external;
    let peak = 0;
    const sampler = setInterval(() => {
      // Otherwise images that were released, but not collected yet, would count.
      collectGarbage();
      peak = Math.max(peak, process.memoryUsage().external - before);
    }, 25);
    await Promise.all(Array.from({ length: 32 }, () => slow.classify(photo)));
    clearInterval(sampler);
    // The batcher admits two batches of 8 images.
    assert.ok(peak < 17 * data.length, `${peak / data.length} images were in memory`);
  });

  it('combines the images of concurrent calls into batches', async () => {
    const topks = Array.from({ length: 32 }, (_, i) => 1 + (i % 7));
    const calls = topks.map((topk) => model.classifyDetailed(clock, { topk }));
    const [single, answers] = [await model.classify(clock, { topk: 7 }), await Promise.all(calls)];
    for (const [i, { predictions }] of answers.entries()) {
      assert.deepEqual(
        predictions.map(({ index }) => index),
        single.slice(0, topks[i]).map(({ index }) => index),
      );
    }
    // The images of a batch share the duration of its forward pass.
    const batches = new Set(answers.map(({ timings }) => timings.forward));
    assert.ok(batches.size >= 4 && batches.size < 16, `${batches.size} batches`);
  });

  it('completes a single-image call before a longer call', async () => {
    let isDone = false;
    const all = model.classify(Array(100).fill(clock)).then((answers) => {
      isDone = true;
      return answers;
    });
    await model.classify(clock);
    assert.equal(isDone, false);
    assert.equal((await all).length, 100);
  });

  it('opens an exported file', async () => {
    const path = join(generated.directory, 'exported.pt');
    await hub.exportTorchScript('resnet18_swsl', path, { weights: generated.weights });
    await using opened = await Classifier.open(path, openOptions);
    assert.deepEqual(await opened.classify(clock), await model.classify(clock));
  });

  it('rejects TorchScript without metadata, or with the metadata of another model', async () => {
    const path = join(generated.directory, 'small.pt');
    await using small = await makeSmallNet();
    const text = JSON.stringify({ ...model.metadata, format: 1 });
    const modules = memory().modules.count;
    for (const [extraFiles, message] of [
      [{}, /small\.pt does not state its classes/],
      [{ 'semisup.json': '{' }, /cannot be used/],
    ] as const) {
      await small.save(path, { extraFiles });
      await assert.rejects(Classifier.open(path), (error) => {
        return error instanceof ModelError && message.test(error.message);
      });
    }
    assert.equal(memory().modules.count, modules);
    await small.save(path, { extraFiles: { 'semisup.json': text } });
    await using mismatched = await Classifier.open(path);
    await assert.rejects(mismatched.classify(clock), (error) => {
      return error instanceof ModelError && error.message.includes('[1, 2]');
    });
  });
});

function pick({ wnid, label }: { wnid: string; label: string }): object {
  return { wnid, label };
}

async function decoded() {
  const { data, width, height } = await decode(clock);
  return { data, info: { width, height } };
}

function assertClose(actual: Float32Array, expected: Float32Array): void {
  const largest = Math.max(...expected.map(Math.abs));
  const difference = Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!)));
  assert.ok(
    difference <= 1e-5 * largest,
    `the difference is ${difference}, the largest value ${largest}`,
  );
}
