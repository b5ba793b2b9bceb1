import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { DisposedError } from '../../src/errors';
import { memory, Tensor } from '../../src/native';
import { ScriptModule, type ScriptValue } from '../../src/torch';
import { loadFixture } from '../support/torchscript';

/** The iterations that take the module `slow` tens of milliseconds. */
const longRounds = 5000;
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
  /** The names of the executed calls in order. */
  const executed = () => slow.attribute<number[]>('ran');

  it('removes only the canceled call from the queue', async () => {
    const controller = new AbortController();
    const calls = [call(1, longRounds), call(2, 1, controller.signal), call(3, 1)] as const;
    controller.abort(reason);
    await assert.rejects(calls[1], reason);
    assert.deepEqual(await Promise.all([calls[0], calls[2]]), [1, 3]);
    assert.deepEqual(await executed(), [1, 3]);
  });

  it('rejects immediately while another call runs', async () => {
    const controller = new AbortController();
    const order: string[] = [];
    const running = call(1, longRounds).then(() => order.push('ran'));
    const waiting = call(2, 1, controller.signal).catch(() => order.push('canceled'));
    await sleep(1);
    controller.abort(reason);
    await Promise.all([running, waiting]);
    assert.deepEqual(order, ['canceled', 'ran']);
  });

  it('discards the result of a running call, which completes', async () => {
    const controller = new AbortController();
    const running = call(1, longRounds, controller.signal);
    await sleep(10);
    controller.abort(reason);
    await assert.rejects(running, reason);
    assert.equal(await call(2, 1), 2);
    assert.deepEqual(await executed(), [1, 2]);
  });

  it('rejects a call whose signal is already aborted', async () => {
    await assert.rejects(call(1, 1, AbortSignal.abort(reason)), reason);
    // The arguments are not checked either.
    const signal = AbortSignal.abort(reason);
    await assert.rejects(slow.invoke('forward', ['no number'], { signal }), reason);
    assert.deepEqual(await executed(), []);
  });

  it('has no effect after the call, which removes its listener', async () => {
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

  it('cancels all pending calls of one signal', async () => {
    const controller = new AbortController();
    const running = call(0, longRounds);
    const waiting = Array.from({ length: 500 }, (_, i) => call(i + 1, 1, controller.signal));
    controller.abort(reason);
    const outcomes = await Promise.allSettled(waiting);
    assert.ok(
      outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason === reason),
    );
    assert.equal(await running, 0);
    assert.deepEqual(await executed(), [0]);
  });

  it('rejects with a TimeoutError after a timeout', async () => {
    const running = call(1, longRounds);
    await assert.rejects(call(2, 1, AbortSignal.timeout(1)), { name: 'TimeoutError' });
    await running;
    assert.deepEqual(await executed(), [1]);
  });

  it('accepts only an AbortSignal as option', async () => {
    await assert.rejects(call(1, 1, {} as AbortSignal), { code: 'ERR_SEMISUP_OPTION_VALUE' });
    await assert.rejects(slow.invoke('forward', [1, 1], { signall: undefined } as object), {
      remedy: `Did you mean 'signal'?`,
    });
  });

  describe('on close', () => {
    it('does not happen: pending calls complete in order before close resolves', async () => {
      const order: (number | string)[] = [];
      const calls = [1, 2, 3].map(async (name) => order.push(await call(name, longRounds / 5)));
      await slow.close().then(() => order.push('closed'));
      await Promise.all(calls);
      assert.deepEqual(order, [1, 2, 3, 'closed']);
    });

    it('does not happen for any number of instances', async () => {
      await using parallel = await loadFixture('slow', { instances: 3, threads: 1 });
      const order: (number | string)[] = [];
      const calls = [1, 2, 3, 4, 5].map(async (name) => {
        order.push(await parallel.call<number>('forward', name, name * 200));
      });
      await parallel.close().then(() => order.push('closed'));
      await Promise.all(calls);
      assert.equal(order.length, 6);
      assert.equal(order.at(-1), 'closed');
    });

    it('rejects later calls with a DisposedError while pending calls complete', async () => {
      using input = Tensor.from([1]);
      await using module = await loadFixture('values');
      const running = call(1, longRounds);
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

    it('does not delay close by canceled calls', async () => {
      const controller = new AbortController();
      const running = call(1, longRounds);
      const waiting = call(2, longRounds * 100, controller.signal);
      const closing = slow.close();
      controller.abort(reason);
      await assert.rejects(waiting, reason);
      await closing;
      assert.equal(await running, 1);
    });

    it('closes the module at the end of its scope', async () => {
      const { count } = memory().modules;
      {
        await using module = await loadFixture('values');
        assert.equal(memory().modules.count, count + 1);
        assert.equal(module.callSync<ScriptValue>('integer', 1), 1);
      }
      assert.equal(memory().modules.count, count);
    });
  });

  describe('of inputs', () => {
    it('allows dispose while the call is pending and frees them after the call', async () => {
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
      for (const [i, result] of (await Promise.all(calls)).entries()) {
        const outputs = i % 2 ? [result as Tensor] : (result as { a: Tensor[] }).a;
        for (const output of outputs) {
          assert.deepEqual(output.dataSync(), new Float32Array(10_000).fill(i % 2 ? 2 * i : i));
          output.dispose();
        }
      }
      assert.deepEqual(memory().tensors, before);
    });
  });
});
