import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { onAbort } from '../../src/abort';
import { rejectOnAbort } from '../../src/native';

describe('onAbort', () => {
  it('runs each callback once, in order', () => {
    const { signal, abort } = controller();
    const calls: string[] = [];
    const callback = (name: string) => () => calls.push(name);
    const twice = callback('twice');
    onAbort(signal, callback('a'));
    onAbort(signal, twice);
    onAbort(signal, twice);
    abort();
    assert.deepEqual(calls, ['a', 'twice', 'twice']);
  });

  it('does not run a callback that was removed, also by an earlier callback', () => {
    const { signal, abort } = controller();
    const calls: string[] = [];
    const removeA = onAbort(signal, () => calls.push('a'));
    removeA();
    removeA();
    onAbort(signal, () => {
      removeC();
    });
    const removeC = onAbort(signal, () => calls.push('c'));
    abort();
    assert.deepEqual(calls, []);
  });

  it('adds one listener to a signal, and removes it with the last callback', () => {
    const { signal, abort } = controller();
    const removals = Array.from({ length: 50 }, () => onAbort(signal, () => undefined));
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    for (const remove of removals) remove();
    assert.equal(getEventListeners(signal, 'abort').length, 0);
    let called = false;
    onAbort(signal, () => (called = true));
    for (const remove of removals) remove();
    abort();
    assert.ok(called);
  });
});

describe('rejectOnAbort', () => {
  it('serves 50,000 calls with one signal', async () => {
    const { signal, abort } = controller();
    const start = process.cpuUsage();
    const call = (i: number) => rejectOnAbort(signal, Promise.resolve(i));
    await Promise.all(Array.from({ length: 50_000 }, (_, i) => call(i)));
    assert.equal(getEventListeners(signal, 'abort').length, 0);
    const never = new Promise<never>(() => undefined);
    const pending = Array.from({ length: 50_000 }, () => rejectOnAbort(signal, never));
    abort();
    const results = await Promise.allSettled(pending);
    assert.ok(results.every(({ status }) => status === 'rejected'));
    // Processor time, which does not depend on other processes.
    const duration = process.cpuUsage(start).user / 1000;
    assert.ok(duration < 20_000, `they took ${duration} ms`);
  });
});

function controller() {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    abort: () => {
      controller.abort();
    },
  };
}
