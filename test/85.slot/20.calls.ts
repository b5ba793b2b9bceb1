import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ModelError } from '../../src/errors';
import { ModelSlot, type VersionedResult } from '../../src/slot';
import { memory } from '../../src/native';
import { outputOf, image, ones, saveClassifier, saveNet } from '../support/slot-models';
import { temporaryDirectory } from '../support/temporary';

describe('ModelSlot', () => {
  const directory = temporaryDirectory();
  const net = (scale: number) => saveNet(join(directory.path, `net-${scale}.pt`), scale);
  const classifier = (favorite: number) =>
    saveClassifier(join(directory.path, `classifier-${favorite}.pt`), favorite);

  it('calls the methods of a TorchScript module', async () => {
    await using slot = await ModelSlot.open(await net(2));
    using input = ones();
    using forward = await slot.forward(input);
    using pooled = await slot.call('pooled', input);
    using invoked = await slot.invoke('pooled', [{ kwargs: { x: input } }]);
    assert.deepEqual(await forward.data(), outputOf(2));
    assert.deepEqual(await pooled.data(), new Float32Array([6, 1, 1, 1]));
    assert.deepEqual(await invoked.data(), await pooled.data());
    assert.deepEqual(Object.keys(slot.methods).sort(), ['forward', 'pooled']);
  });

  it('calls the methods of a classifier and of its module', async () => {
    await using slot = await ModelSlot.open(await classifier(1));
    using input = ones();
    assert.equal((await slot.classify(image()))[0]!.label, 'class 1');
    assert.deepEqual(
      (await slot.classify([image(), image(10)], { topk: 1 })).map(([best]) => best!.index),
      [1, 1],
    );
    assert.equal((await slot.embed(image())).length, 4);
    assert.equal((await slot.embed([image(), image()])).length, 2);
    using logits = await slot.logits(image());
    assert.deepEqual(logits.shape, [1, 3]);
    using forward = await slot.forward(input);
    assert.deepEqual(forward.shape, [1, 3]);
    using features = await slot.call('features', input);
    assert.deepEqual(features.shape, [1, 4]);
    assert.ok('features' in slot.methods);
  });

  it('rejects methods that a TorchScript module does not support', async () => {
    await using slot = await ModelSlot.open(await net(1));
    const methods = ['classify', 'classifyDetailed', 'embed', 'explain', 'logits'] as const;
    for (const method of methods) {
      const call = slot[method].bind(slot) as (input: object) => Promise<unknown>;
      await assert.rejects(
        call(image()),
        (error) =>
          error instanceof ModelError &&
          error.code === 'ERR_SEMISUP_MODEL_KIND' &&
          error.message.includes(`without ${method}()`),
      );
    }
    await assert.rejects(slot.call('features', ones()), { code: 'ERR_SEMISUP_SCRIPT_ARGUMENT' });
  });

  it('reports the version that returned a result', async () => {
    await using slot = await ModelSlot.open(await classifier(0));
    const first = await slot.classifyDetailed(image(), { topk: 2 });
    assert.equal(first.version, 1);
    assert.equal(first.source, join(directory.path, 'classifier-0.pt'));
    assert.deepEqual(
      first.predictions.map(({ index }) => index),
      [0, 1],
    );
    assert.ok(first.timings.forward > 0);
    await slot.swap(await classifier(2));
    const second = await slot.classifyDetailed([image(), image()], { topk: 1 });
    for (const { version, source, predictions } of second) {
      assert.equal(version, 2);
      assert.equal(source, join(directory.path, 'classifier-2.pt'));
      assert.equal(predictions[0]!.index, 2);
    }
  });

  it('completes a call with the version that it started with', async () => {
    await using slot = await ModelSlot.open(await classifier(0));
    const next = await classifier(2);
    const images = Array<ReturnType<typeof image>>(400).fill(image());
    const order: string[] = [];
    slot.on('swap', () => order.push('swap')).on('drained', () => order.push('drained'));
    let classifying!: Promise<VersionedResult[]>;
    // The check is the last step before the swap, so that the call takes longer than the rest.
    const check = () => {
      classifying = slot
        .classifyDetailed(images, { topk: 1 })
        .finally(() => order.push('completed'));
    };
    const { drained } = await slot.swap(next, { check });
    const answers = await classifying;
    await drained;
    assert.deepEqual(order, ['swap', 'completed', 'drained']);
    assert.equal(answers.length, 400);
    for (const { version, predictions } of answers) {
      assert.deepEqual([version, predictions[0]!.index], [1, 0]);
    }
  });

  it('keeps a version alive until its calls are complete', async () => {
    await using slot = await ModelSlot.open(await net(1));
    const modules = memory().modules.count;
    let release!: () => void;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const held = slot.use(async ({ model, version }) => {
      await gate;
      using input = ones();
      using output = await model.forward(input);
      return { version, answer: await output.data() };
    });
    const { drained } = await slot.swap(await net(2));
    using input = ones();
    using output = await slot.forward(input);
    assert.deepEqual(await output.data(), outputOf(2));
    assert.equal(memory().modules.count, modules + 1);
    release();
    assert.deepEqual(await held, { version: 1, answer: outputOf(1) });
    await drained;
    assert.equal(memory().modules.count, modules);
  });

  it('rejects with the reason of an aborted signal', async () => {
    await using slot = await ModelSlot.open(await net(1));
    const reason = new Error('canceled');
    const signal = AbortSignal.abort(reason);
    await assert.rejects(slot.invoke('forward', [ones()], { signal }), reason);
  });

  it('completes running calls when it is closed, and rejects later ones', async () => {
    const modules = memory().modules.count;
    const slot = await ModelSlot.open(await net(1));
    const outputs = Array.from({ length: 20 }, () => slot.forward(ones()));
    const closing = slot.close();
    await assert.rejects(slot.forward(ones()), { code: 'ERR_SEMISUP_DISPOSED' });
    await assert.rejects(slot.swap(await net(2)), { code: 'ERR_SEMISUP_DISPOSED' });
    await closing;
    for (const output of await Promise.all(outputs)) {
      assert.deepEqual(await output.data(), outputOf(1));
      output.dispose();
    }
    await slot.close();
    assert.equal(memory().modules.count, modules);
  });
});
