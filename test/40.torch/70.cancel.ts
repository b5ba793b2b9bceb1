import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { DisposedError } from '../../src/errors';
import { memory, ScriptModule, Tensor, type ScriptValue } from '../../src/torch';
import { loadFixture } from '../support/torchscript';

/** Rounds of the module `slow` that take some tens of milliseconds. */
const long = 5000;
const reason = new Error('never mind');

describe('cancellation', () => {
  let slow: ScriptModule;
  beforeEach(async () => {
    slow = await loadFixture('slow');
  });
  afterEach(async () => {
    await slow.close();
  });

  const call = (name: number, rounds: number, signal?: AbortSignal) =>
    slow.invoke<number>('forward', [name, rounds], signal && { signal });
  /** The names of the calls that ran, in their order. */
  const ran = () => slow.attribute<number[]>('ran');

  it('takes a call that waits out of the queue, and no other', async () => {
    const controller = new AbortController();
    const calls = [call(1, long), call(2, 1, controller.signal), call(3, 1)] as const;
    controller.abort(reason);
    await assert.rejects(calls[1], reason);
    assert.deepEqual(await Promise.all([calls[0], calls[2]]), [1, 3]);
    assert.deepEqual(await ran(), [1, 3]);
  });

  it('rejects at once, though another call runs', async () => {
    const controller = new AbortController();
    const order: string[] = [];
    const running = call(1, long).then(() => order.push('ran'));
    const waiting = call(2, 1, controller.signal).catch(() => order.push('cancelled'));
    await sleep(1);
    controller.abort(reason);
    await Promise.all([running, waiting]);
    assert.deepEqual(order, ['cancelled', 'ran']);
  });

  it('drops the answer of a call that runs already, and the call is finished', async () => {
    const controller = new AbortController();
    const running = call(1, long, controller.signal);
    await sleep(10);
    controller.abort(reason);
    await assert.rejects(running, reason);
    assert.equal(await call(2, 1), 2);
    assert.deepEqual(await ran(), [1, 2]);
  });

  it('before the call keeps it from being made', async () => {
    await assert.rejects(call(1, 1, AbortSignal.abort(reason)), reason);
    // Not even its arguments are looked at.
    const signal = AbortSignal.abort(reason);
    await assert.rejects(slow.invoke('forward', ['no number'], { signal }), reason);
    assert.deepEqual(await ran(), []);
  });

  it('after the call does nothing, and the signal is let go of', async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    signal.addEventListener = (...args: Parameters<AbortSignal['addEventListener']>) => {
      listeners++;
      AbortSignal.prototype.addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<AbortSignal['removeEventListener']>) => {
      listeners--;
      AbortSignal.prototype.removeEventListener.apply(signal, args);
    };
    assert.equal(await call(1, 1, signal), 1);
    assert.equal(listeners, 0);
    controller.abort(reason);
    assert.equal(await call(2, 1), 2);
  });

  it('of many calls by one signal takes all that wait', async () => {
    const controller = new AbortController();
    const running = call(0, long);
    const waiting = Array.from({ length: 500 }, (_, i) => call(i + 1, 1, controller.signal));
    controller.abort(reason);
    const outcomes = await Promise.allSettled(waiting);
    assert.ok(outcomes.every((one) => one.status === 'rejected' && one.reason === reason));
    assert.equal(await running, 0);
    assert.deepEqual(await ran(), [0]);
  });

  it('by a time limit rejects with a TimeoutError', async () => {
    const running = call(1, long);
    await assert.rejects(call(2, 1, AbortSignal.timeout(1)), { name: 'TimeoutError' });
    await running;
    assert.deepEqual(await ran(), [1]);
  });

  it('takes an AbortSignal and no other option', async () => {
    await assert.rejects(call(1, 1, {} as AbortSignal), { code: 'ERR_SEMISUP_OPTION_VALUE' });
    await assert.rejects(slow.invoke('forward', [1, 1], { signall: undefined } as object), {
      remedy: `Did you mean 'signal'?`,
    });
  });

  describe('by close', () => {
    it('is none: calls that wait are answered, in their order, before it resolves', async () => {
      const order: (number | string)[] = [];
      const calls = [1, 2, 3].map(async (name) => order.push(await call(name, long / 5)));
      await slow.close().then(() => order.push('closed'));
      await Promise.all(calls);
      assert.deepEqual(order, [1, 2, 3, 'closed']);
    });

    it('comes at any number of threads after the last call', async () => {
      await using wide = await loadFixture('slow', { instances: 3, threads: 1 });
      const order: (number | string)[] = [];
      const calls = [1, 2, 3, 4, 5].map(async (name) => {
        order.push(await wide.call<number>('forward', name, name * 200));
      });
      await wide.close().then(() => order.push('closed'));
      await Promise.all(calls);
      assert.equal(order.length, 6);
      assert.equal(order.at(-1), 'closed');
    });

    it('refuses what comes after it with a DisposedError, even while it drains', async () => {
      using input = Tensor.from([1]);
      await using module = await loadFixture('values');
      const running = call(1, long);
      const closing = Promise.all([slow.close(), module.close()]);
      for (const use of [
        () => call(2, 1),
        () => module.forward(input),
        () => module.attribute('training'),
        () => module.stateDict(),
        () => module.graph(),
        () => module.to({ dtype: 'float16' }),
        () => module.save('never.pt'),
      ]) {
        await assert.rejects(use, DisposedError);
      }
      assert.throws(() => slow.callSync('forward', 3, 1), DisposedError);
      await closing;
      assert.equal(await running, 1);
      await assert.rejects(call(4, 1), DisposedError);
      assert.ok(module.methods.forward);
    });

    it('leaves cancelled calls out', async () => {
      const controller = new AbortController();
      const running = call(1, long);
      const waiting = call(2, long * 100, controller.signal);
      const closing = slow.close();
      controller.abort(reason);
      await assert.rejects(waiting, reason);
      await closing;
      assert.equal(await running, 1);
    });

    it('of a scope comes by itself', async () => {
      const { count } = memory().modules;
      {
        await using module = await loadFixture('values');
        assert.equal(memory().modules.count, count + 1);
        assert.equal(module.callSync<ScriptValue>('integer', 1), 1);
      }
      assert.equal(memory().modules.count, count);
    });
  });

  describe('and inputs', () => {
    it('may be disposed of while the call waits or runs, and are freed after it', async () => {
      await using module = await loadFixture('values');
      const before = memory().tensors;
      const calls = Array.from({ length: 50 }, (_, i) => {
        const input = Tensor.from(new Float32Array(10_000).fill(i));
        const list = [input, input];
        const running: Promise<unknown> =
          i % 2 ? module.forward(input) : module.call('anything', { a: list });
        input.dispose();
        return running;
      });
      for (const [i, answer] of (await Promise.all(calls)).entries()) {
        const outputs = i % 2 ? [answer as Tensor] : (answer as { a: Tensor[] }).a;
        for (const output of outputs) {
          assert.deepEqual(output.dataSync(), new Float32Array(10_000).fill(i % 2 ? 2 * i : i));
          output.dispose();
        }
      }
      assert.deepEqual(memory().tensors, before);
    });
  });
});
