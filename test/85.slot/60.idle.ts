import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Classifier } from '../../src/classify';
import { memory } from '../../src/native';
import { ModelSlot, type SwapEvent } from '../../src/slot';
import { ScriptModule } from '../../src/torch';
import { runNode } from '../support/run-node';
import { image, ones, outputOf, saveClassifier, saveNet } from '../support/slot-models';
import { temporaryDirectory } from '../support/temporary';

const idleTimeout = 50;

describe('ModelSlot with an idle timeout', () => {
  const directory = temporaryDirectory();
  const at = (name: string) => join(directory.path, name);
  const classifier = (favorite: number, classes?: number) =>
    saveClassifier(at(`classifier-${favorite}-${classes}.pt`), favorite, classes);

  const unloaded = async (slot: ModelSlot) => {
    const [event] = (await once(slot, 'unloaded')) as [SwapEvent];
    return event;
  };

  async function replaceFile(path: string, by: string): Promise<void> {
    await copyFile(by, `${path}.new`);
    await rename(`${path}.new`, path);
  }

  it('frees the model, and loads it again for the next call', async () => {
    const before = memory();
    await using slot = await ModelSlot.open(await classifier(1), { idleTimeout });
    const { methods } = slot;
    for (let i = 0; i < 3; i++) {
      const event = await unloaded(slot);
      assert.deepEqual([event.version, event.source], [1, slot.source]);
      assert.deepEqual(event.memory.modules, before.modules);
      assert.deepEqual(slot.methods, methods);
      const [[reloaded], best] = await Promise.all([
        once(slot, 'reloaded') as Promise<[SwapEvent]>,
        slot.classifyDetailed(image()),
      ]);
      assert.equal(reloaded.memory.modules.count, before.modules.count + 1);
      assert.deepEqual([best.predictions[0]!.index, best.version], [1, 1]);
    }
  });

  it('loads it once for concurrent calls', async () => {
    let loads = 0;
    const path = await saveNet(at('net.pt'), 3);
    const open = () => {
      loads++;
      return ScriptModule.load(path);
    };
    await using slot = await ModelSlot.open(open, { idleTimeout });
    await unloaded(slot);
    const results = await Promise.all([1, 2, 3, 4].map(() => slot.forward(ones())));
    for (const result of results) assert.deepEqual(await result.data(), outputOf(3));
    assert.equal(loads, 2);
  });

  it('keeps a model that is in use, or was used recently', async () => {
    await using slot = await ModelSlot.open(await classifier(1), { idleTimeout: 300 });
    let events = 0;
    slot.on('unloaded', () => events++);
    await slot.use(() => sleep(700));
    for (let i = 0; i < 8; i++) {
      await slot.classify(image());
      await sleep(100);
    }
    assert.equal(events, 0);
    await unloaded(slot);
  });

  it('keeps it for good by default', async () => {
    await using slot = await ModelSlot.open(await classifier(1));
    slot.on('unloaded', () => assert.fail());
    await sleep(200);
    await slot.preload();
    await slot.classify(image());
  });

  it('loads it ahead with preload(), which starts the time again', async () => {
    await using slot = await ModelSlot.open(await classifier(2), { idleTimeout: 300 });
    await unloaded(slot);
    await Promise.all([slot.preload(), slot.preload()]);
    slot.on('reloaded', () => assert.fail());
    const [[best]] = await Promise.all([slot.classify(image()), slot.preload()]);
    assert.equal(best!.index, 2);
  });

  it('frees a model that was loaded ahead and then not called, however long it loads', async () => {
    const path = await classifier(2);
    const open = async () => {
      await sleep(150);
      return await Classifier.open(path);
    };
    await using slot = await ModelSlot.open(open, { idleTimeout: 100 });
    await unloaded(slot);
    await slot.preload();
    await unloaded(slot);
  });

  it('waits for the tuning of a model of the hub', async () => {
    const model = await Classifier.open(await classifier(1));
    let finish: (tuned: Classifier) => void = () => undefined;
    model.tuneInBackground(() => new Promise((resolve) => (finish = resolve)));
    await using slot = await ModelSlot.open(() => Promise.resolve(model), { idleTimeout });
    await sleep(1500);
    assert.equal(model.isTuning, true);
    finish(await Classifier.open(await classifier(2)));
    await model.whenTuned();
    assert.equal((await slot.classify(image()))[0]!.index, 2);
    await unloaded(slot);
  });

  it('takes a file that was replaced meanwhile as the next version', async () => {
    const path = await classifier(1);
    await using slot = await ModelSlot.open(path, { idleTimeout });
    await unloaded(slot);
    await replaceFile(path, await classifier(2));
    const swapped = once(slot, 'swap');
    const { predictions, version } = await slot.classifyDetailed(image());
    assert.deepEqual([predictions[0]!.index, version, slot.version], [2, 2, 2]);
    await swapped;
  });

  it('rejects such a file if it is not compatible, until it is replaced again', async () => {
    const path = await saveClassifier(at('model.pt'), 1);
    await using slot = await ModelSlot.open(path, { idleTimeout });
    await unloaded(slot);
    const before = memory();
    await replaceFile(path, await saveNet(at('net.pt'), 1));
    await assert.rejects(slot.classify(image()), { code: 'ERR_SEMISUP_MODEL_KIND' });
    assert.deepEqual(memory().modules, before.modules);
    await replaceFile(path, await classifier(2));
    assert.equal((await slot.classify(image()))[0]!.index, 2);
  });

  it('rejects calls with the error of the source, and tries again', async () => {
    const path = await classifier(1);
    let isMissing = false;
    const open = () => Classifier.open(isMissing ? at('missing.pt') : path);
    await using slot = await ModelSlot.open(open, { idleTimeout });
    await unloaded(slot);
    isMissing = true;
    await assert.rejects(slot.classify(image()), { code: 'ERR_SEMISUP_MODEL_NOT_FOUND' });
    await assert.rejects(slot.preload(), { code: 'ERR_SEMISUP_MODEL_NOT_FOUND' });
    isMissing = false;
    assert.equal((await slot.classify(image()))[0]!.index, 1);
  });

  it('swaps and watches while the model is unloaded', async () => {
    const path = await classifier(1);
    await using slot = await ModelSlot.open(path, { idleTimeout });
    await unloaded(slot);
    await (
      await slot.swap(await classifier(2))
    ).drained;
    assert.equal((await slot.classify(image()))[0]!.index, 2);
    await (
      await slot.swap(path)
    ).drained;
    slot.watch();
    await unloaded(slot);
    const swapped = once(slot, 'swap');
    await replaceFile(path, await classifier(2));
    await swapped;
    assert.equal((await slot.classify(image()))[0]!.index, 2);
  });

  it('closes while the model is unloaded, or loaded again', async () => {
    const before = memory();
    for (const delay of [undefined, 0, 5]) {
      const slot = await ModelSlot.open(await classifier(1), { idleTimeout });
      await unloaded(slot);
      const call = delay === undefined ? undefined : slot.classify(image());
      const outcome = call?.then(
        () => 'answered',
        (error: unknown) => (error as { code: string }).code,
      );
      if (delay) await sleep(delay);
      await slot.close();
      assert.ok(['answered', 'ERR_SEMISUP_DISPOSED', undefined].includes(await outcome));
      await assert.rejects(slot.preload(), { code: 'ERR_SEMISUP_DISPOSED' });
    }
    assert.deepEqual(memory().modules, before.modules);
  });

  it('does not keep the process alive', async () => {
    const { code, stderr } = await runNode(
      `const { ModelSlot } = require('./src/slot');
      ModelSlot.open(${JSON.stringify(await classifier(1))}, { idleTimeout: 600_000 });`,
    );
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  });

  it('rejects invalid times', async () => {
    for (const invalid of [0, -1, NaN, Infinity, '5']) {
      await assert.rejects(
        ModelSlot.open(await classifier(1), { idleTimeout: invalid as number }),
        (error: Error) => error.message.includes('idleTimeout'),
      );
    }
  });
});
