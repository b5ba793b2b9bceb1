import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { Classifier } from '../../src/classify';
import { ImageError, ModelError, OptionError } from '../../src/errors';
import { hub } from '../../src/hub';
import { batch, decode } from '../../src/image';
import { Executor, memory, Tensor } from '../../src/torch';
import { generatedWeights } from '../support/generated-weights';
import { noise } from '../support/pixels';
import { root } from '../support/run-node';
import { makeSmallNet } from '../support/small-net';

const clock = join(root, 'examples', 'clock.jpg');

describe('classifiers', function () {
  this.timeout(120_000);
  const made = generatedWeights();
  let model: Classifier;

  before(async () => {
    model = await hub.load('resnet18_swsl', { weights: made.weights });
  });
  after(() => model?.close());

  it('give the five likeliest classes, best first', async () => {
    const answer = await model.classify(clock);
    assert.equal(answer.length, 5);
    for (const [i, { index, wnid, label, score }] of answer.entries()) {
      assert.deepEqual({ wnid, label }, pick(model.classes[index]!));
      assert.ok(score > 0 && score <= (answer[i - 1]?.score ?? 1));
    }
  });

  it('give probabilities that are the softmax of the logits', async () => {
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

  it('answer the same for a path, a URL, bytes and pixels', async () => {
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

  it('answer many images in their order, as each alone', async () => {
    const images = Array.from({ length: 11 }, (_, i) => noise(240 + 16 * i, 260, 3));
    const together = await model.classify(images, { topk: 1 });
    assert.equal(together.length, 11);
    for (const [i, image] of images.entries()) {
      const [alone] = await model.classify(image, { topk: 1 });
      assert.equal(together[i]![0]!.index, alone!.index);
      assert.ok(Math.abs(together[i]![0]!.score - alone!.score) < 1e-5);
    }
    assert.deepEqual(await model.classify([]), []);
  });

  it('embed an image as the features before the last layer', async () => {
    const [first, second] = await model.embed([clock, noise(300, 300, 3)]);
    assert.equal(first!.length, 512);
    assert.ok(first!.every((value) => value >= 0 && Number.isFinite(value)));
    assert.notDeepEqual(first, second);
    assertClose(await model.embed(clock), first!);
  });

  it('run tensors of the caller’s own', async () => {
    const executor = await Executor.open();
    using input = await batch(executor, [await decode(clock)], model.metadata.transform);
    using output = await model.forward(input);
    using logits = await model.logits(clock);
    assert.deepEqual(await output.data(), await logits.data());
    await executor.close();
  });

  it('tell how long each step took', async () => {
    const { predictions, timings } = await model.classifyDetailed(clock);
    assert.equal(predictions.length, 5);
    for (const step of ['decode', 'transform', 'forward'] as const) assert.ok(timings[step] > 0);
  });

  it('refuse a wrong topk, and options that they do not know', async () => {
    for (const topk of [0, 1001, 1.5, '5' as unknown as number]) {
      await assert.rejects(model.classify(clock, { topk }), OptionError);
    }
    await assert.rejects(model.classify(clock, { topK: 5 } as object), (error: Error) =>
      error.message.includes("Did you mean 'topk'?"),
    );
  });

  it('go on after an image that is none', async () => {
    await assert.rejects(model.classify([clock, __filename]), ImageError);
    assert.equal((await model.classify(clock)).length, 5);
  });

  it('are interrupted by a signal, and go on', async () => {
    const reason = new Error('changed my mind');
    await assert.rejects(model.classify(clock, { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const interrupted = model.classify(Array(64).fill(clock), { signal: controller.signal });
    setTimeout(() => {
      controller.abort(reason);
    }, 20);
    await assert.rejects(interrupted, reason);
    assert.equal((await model.classify(clock)).length, 5);
  });

  it('leave no tensor behind', async () => {
    const before = memory().tensors.count;
    await Promise.all([model.classify(clock), model.embed(clock)]);
    assert.equal(memory().tensors.count, before);
  });

  it('finish what is under way when closed, and then refuse', async () => {
    const short = await hub.load('resnet18_swsl', { weights: made.weights });
    const modules = memory().modules.count;
    using input = Tensor.from(new Float32Array(3 * 224 * 224), [1, 3, 224, 224]);
    const running = [short.forward(input), short.forward(input), short.forward(input)];
    const asked = [short.classify([clock, clock]), short.classify(clock)];
    const more = Promise.all([short.embed(clock), short.logits([clock, clock])]);
    await Promise.all([short.close(), short.close()]);
    for (const output of await Promise.all(running)) assert.deepEqual(output.shape, [1, 1000]);
    assert.deepEqual(
      (await Promise.all(asked)).map(({ length }) => length),
      [2, 5],
    );
    const [features, logits] = await more;
    assert.deepEqual([features.length, logits.shape], [512, [2, 1000]]);
    logits.dispose();
    assert.equal(memory().modules.count, modules - 1);
    await assert.rejects(short.classify(clock), { code: 'ERR_SEMISUP_DISPOSED' });
  });

  it('answer many calls at a time with a bounded number of decoded images', async () => {
    const { data, width, height } = noise(4000, 3000, 3);
    const photo = await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg()
      .toBuffer();
    const before = process.memoryUsage().external;
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().external - before);
    }, 5);
    const answers = await Promise.all(Array.from({ length: 20 }, () => model.classify(photo)));
    clearInterval(watch);
    assert.equal(new Set(answers.map(([best]) => best!.index)).size, 1);
    assert.ok(most < 10 * data.length, `${most / data.length} images were held at a time`);
  });

  it('run the images of many calls together', async () => {
    const topks = Array.from({ length: 32 }, (_, i) => 1 + (i % 7));
    const calls = topks.map((topk) => model.classifyDetailed(clock, { topk }));
    const [alone, answers] = [await model.classify(clock, { topk: 7 }), await Promise.all(calls)];
    for (const [i, { predictions }] of answers.entries()) {
      assert.deepEqual(
        predictions.map(({ index }) => index),
        alone.slice(0, topks[i]).map(({ index }) => index),
      );
    }
    // Images of one batch share the time of their forward.
    const batches = new Set(answers.map(({ timings }) => timings.forward));
    assert.ok(batches.size >= 4 && batches.size < 16, `${batches.size} batches`);
  });

  it('answer one image before all those of a longer call', async () => {
    let isDone = false;
    const all = model.classify(Array(100).fill(clock)).then((answers) => {
      isDone = true;
      return answers;
    });
    await model.classify(clock);
    assert.equal(isDone, false);
    assert.equal((await all).length, 100);
  });

  it('open an export again', async () => {
    const path = join(made.folder, 'exported.pt');
    await hub.exportTorchScript('resnet18_swsl', path, { weights: made.weights });
    await using opened = await Classifier.open(path);
    assert.deepEqual(await opened.classify(clock), await model.classify(clock));
  });

  it('refuse TorchScript without metadata, or with those of another model', async () => {
    const path = join(made.folder, 'small.pt');
    await using small = await makeSmallNet();
    const text = JSON.stringify({ ...model.metadata, format: 1 });
    const modules = memory().modules.count;
    for (const [extraFiles, message] of [
      [{}, /lacks the extra file/],
      [{ 'semisup.json': '{' }, /cannot be used/],
    ] as const) {
      await small.save(path, { extraFiles });
      await assert.rejects(Classifier.open(path), (error) => {
        return error instanceof ModelError && message.test(error.message);
      });
    }
    assert.equal(memory().modules.count, modules);
    await small.save(path, { extraFiles: { 'semisup.json': text } });
    await using liar = await Classifier.open(path);
    await assert.rejects(liar.classify(clock), (error) => {
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
  const worst = Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!)));
  assert.ok(worst <= 1e-5 * largest, `${worst} of ${largest}`);
}
