import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Classifier } from '../../src/classify';
import { Tensor } from '../../src/native';
import { ScriptModule, type ScriptModuleOptions } from '../../src/torch';
import { saveEndlessModels } from '../support/endless-models';
import { image, ones, saveClassifier, saveNet } from '../support/slot-models';
import { temporaryDirectory } from '../support/temporary';

const busy = { code: 'ERR_SEMISUP_BUSY', name: 'BusyError' };
const timedOut = { code: 'ERR_SEMISUP_TIMEOUT', name: 'ScriptError' };

describe('bounds on calls', () => {
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  beforeEach(async () => {
    await saveEndlessModels(directory.path);
    await saveNet(path('net.pt'), 1);
    await saveClassifier(path('classifier.pt'), 1);
  });

  describe('queue', () => {
    it('refuses calls beyond queue.calls at once, and accepts them later', async () => {
      await using net = await ScriptModule.load(path('loop.pt'), { queue: { calls: 2 } });
      const running = [net.forward(10_000), net.forward(1)];
      await assert.rejects(net.forward(2), {
        ...busy,
        message:
          /^The call was refused, because 2 calls of this model are pending\. .*queue\.calls/,
      });
      assert.deepEqual(await Promise.all(running), [10_000, 1]);
      assert.equal(await net.forward(3), 3);
    });

    it('refuses inputs beyond queue.bytes, but accepts a larger one alone', async () => {
      await using net = await ScriptModule.load(path('net.pt'), { queue: { bytes: 60 } });
      // 48 bytes each.
      const running = [net.forward(ones())];
      await assert.rejects(net.forward(ones()), { ...busy, message: /48 bytes of inputs/ });
      await Promise.all(running);
      const large = Tensor.from(new Float32Array(300), [1, 3, 10, 10]);
      assert.deepEqual((await net.forward(large)).shape, [1, 2]);
    });

    it('counts a call of a classifier once, and its images in memory', async () => {
      const options = { queue: { calls: 1 } };
      await using one = await Classifier.open(path('classifier.pt'), options);
      const many = one.classify(Array(20).fill(image()));
      await assert.rejects(one.classify(image()), busy);
      await assert.rejects(one.embed(image()), busy);
      await assert.rejects(one.forward(ones()), busy);
      assert.equal((await many).length, 20);
      await using small = await Classifier.open(path('classifier.pt'), { queue: { bytes: 50 } });
      const first = small.classify(image());
      await assert.rejects(small.classify(image()), { ...busy, message: /48 bytes of inputs/ });
      await first;
    });
  });

  describe('callTimeout', () => {
    /** A number of iterations that takes at least a second. */
    let long = 0;
    beforeEach(async () => {
      if (long > 0) return;
      await using net = await ScriptModule.load(path('loop.pt'));
      const probe = 200_000;
      await net.forward(probe);
      const start = performance.now();
      await net.forward(probe);
      long = Math.ceil((probe * 1000) / (performance.now() - start));
    });

    it('rejects a call that runs longer, and other calls run meanwhile', async () => {
      await using net = await ScriptModule.load(path('loop.pt'), { callTimeout: 100 });
      const start = performance.now();
      const call = net.forward(long);
      const next = net.forward(1);
      await assert.rejects(call, { ...timedOut, message: /exceeded its time limit of 100 ms/ });
      assert.equal(await next, 1);
      assert.ok(performance.now() - start < 900, 'the call was waited for');
    });

    it('does not count the time in the queue', async () => {
      await using net = await ScriptModule.load(path('loop.pt'), { callTimeout: 4_000 });
      const calls = Array.from({ length: 5 }, () => net.forward(long));
      assert.deepEqual(await Promise.all(calls), Array(5).fill(long));
    });

    it('refuses calls while too many are running, and accepts them when these have ended', async () => {
      await using net = await ScriptModule.load(path('loop.pt'), { callTimeout: 20 });
      const calls = Array.from({ length: 6 }, () => net.forward(long));
      const results = await Promise.allSettled(calls);
      const messages = results.map((result) =>
        result.status === 'rejected' ? (result.reason as Error).message : 'done',
      );
      assert.equal(
        messages.filter((text) => text.includes('exceeded its time limit of 20')).length,
        4,
      );
      assert.equal(messages.filter((text) => text.includes('4 earlier calls')).length, 2);
      await assert.rejects(net.forward(1), timedOut);
      for (let i = 0; ; i++) {
        try {
          assert.equal(await net.forward(1), 1);
          break;
        } catch (error) {
          if (i > 200) throw error;
          await sleep(100);
        }
      }
    });
  });

  it('rejects options that are out of range', async () => {
    const load = (options: ScriptModuleOptions) => ScriptModule.load(path('net.pt'), options);
    const invalid = { code: 'ERR_SEMISUP_OPTION_VALUE' };
    for (const callTimeout of [0, -1, NaN, 2 ** 31, '5' as unknown as number]) {
      await assert.rejects(load({ callTimeout }), invalid);
      await assert.rejects(Classifier.open(path('classifier.pt'), { callTimeout }), invalid);
    }
    for (const queue of [
      { calls: 0 },
      { bytes: 1.5 },
      { calls: '1' as unknown as number },
      [] as object,
    ]) {
      await assert.rejects(load({ queue }), invalid);
      await assert.rejects(Classifier.open(path('classifier.pt'), { queue }), invalid);
    }
    await assert.rejects(load({ queue: { call: 1 } as object }), /Did you mean 'calls'\?/);
    await using net = await load({});
    for (const timeout of [-1, NaN, 2 ** 31]) await assert.rejects(net.close({ timeout }), invalid);
    await assert.rejects(net.close({ time: 1 } as object), { code: 'ERR_SEMISUP_OPTION_UNKNOWN' });
  });
});
