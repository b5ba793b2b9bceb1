import assert from 'node:assert/strict';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { Semaphore } from '../../src/semaphore';

describe('Semaphore', () => {
  it('limits concurrent tasks and starts them in order', async () => {
    const semaphore = new Semaphore(2);
    const order: number[] = [];
    let running = 0;
    let most = 0;
    const task = (i: number) =>
      semaphore.run(async () => {
        order.push(i);
        most = Math.max(most, ++running);
        await sleep(2);
        running--;
        return i;
      });
    const results = await Promise.all([0, 1, 2, 3, 4, 5, 6].map(task));
    assert.deepEqual(results, [0, 1, 2, 3, 4, 5, 6]);
    assert.deepEqual(order, results);
    assert.equal(most, 2);
  });

  it('releases the slot of a task that fails', async () => {
    const semaphore = new Semaphore(1);
    const failing = semaphore.run(() => Promise.reject(new Error('no')));
    const next = semaphore.run(() => Promise.resolve('yes'));
    await assert.rejects(failing, /no/);
    assert.equal(await next, 'yes');
  });

  it('does not start a task that was aborted while it waited', async () => {
    const semaphore = new Semaphore(1);
    const controller = new AbortController();
    const first = semaphore.run(() => sleep(5));
    let ran = false;
    const second = semaphore.run(
      () => {
        ran = true;
        return Promise.resolve();
      },
      { signal: controller.signal },
    );
    controller.abort(new Error('gone'));
    await Promise.all([first, assert.rejects(second, /gone/)]);
    assert.equal(await semaphore.run(() => Promise.resolve('third')), 'third');
    assert.equal(ran, false);
  });

  /** Starts tasks that each wait to be finished, and records their start. */
  function startTasks(semaphore: Semaphore) {
    const started: string[] = [];
    const finish = new Map<string, () => void>();
    const start = (name: string, owner: object, weight?: number) =>
      semaphore.run(
        () => {
          started.push(name);
          return new Promise<void>((resolve) => finish.set(name, resolve));
        },
        { owner, weight },
      );
    return { started, finish, start };
  }

  it('lets owners take turns', async () => {
    const { started, finish, start } = startTasks(new Semaphore(1));
    const [a, b, c] = [{}, {}, {}];
    const all = [start('a1', a), start('a2', a), start('a3', a), start('b1', b), start('c1', c)];
    while (started.length < all.length) {
      finish.get(started.at(-1)!)!();
      await setImmediate();
    }
    finish.get(started.at(-1)!)!();
    await Promise.all(all);
    assert.deepEqual(started, ['a1', 'b1', 'c1', 'a2', 'a3']);
  });

  it('does not start a task of an owner that has reached its limit', async () => {
    const { started, finish, start } = startTasks(new Semaphore(3, 2));
    const [a, b] = [{}, {}];
    const all = [start('a1', a), start('a2', a), start('a3', a), start('b1', b)];
    assert.deepEqual(started, ['a1', 'a2', 'b1']);
    finish.get('b1')!();
    await setImmediate();
    assert.deepEqual(started, ['a1', 'a2', 'b1']);
    finish.get('a1')!();
    await setImmediate();
    assert.deepEqual(started, ['a1', 'a2', 'b1', 'a3']);
    for (const name of ['a2', 'a3']) finish.get(name)!();
    await Promise.all(all);
  });

  describe('with weights', () => {
    it('limits their sum', async () => {
      const { started, finish, start } = startTasks(new Semaphore(10));
      const owner = {};
      const all = [start('a', owner, 6), start('b', owner, 4), start('c', owner, 1)];
      assert.deepEqual(started, ['a', 'b']);
      finish.get('b')!();
      await setImmediate();
      assert.deepEqual(started, ['a', 'b', 'c']);
      for (const name of ['a', 'c']) finish.get(name)!();
      await Promise.all(all);
    });

    it('runs a task that is heavier than the capacity alone', async () => {
      const { started, finish, start } = startTasks(new Semaphore(10));
      const all = [start('a', {}, 1), start('b', {}, 1000), start('c', {}, 1)];
      assert.deepEqual(started, ['a']);
      finish.get('a')!();
      await setImmediate();
      assert.deepEqual(started, ['a', 'b']);
      finish.get('b')!();
      await setImmediate();
      assert.deepEqual(started, ['a', 'b', 'c']);
      finish.get('c')!();
      await Promise.all(all);
    });

    it('does not let later tasks overtake one that does not fit yet', async () => {
      const { started, finish, start } = startTasks(new Semaphore(10));
      const all = [start('a', {}, 6), start('b', {}, 5), start('c', {}, 1), start('d', {}, 1)];
      assert.deepEqual(started, ['a']);
      finish.get('a')!();
      await setImmediate();
      assert.deepEqual(started, ['a', 'b', 'c', 'd']);
      for (const name of ['b', 'c', 'd']) finish.get(name)!();
      await Promise.all(all);
    });

    it('never exceeds the capacity, and starts every task', async () => {
      const semaphore = new Semaphore(100);
      const owners = [{}, {}, {}];
      let occupied = 0;
      let most = 0;
      const weights = Array.from({ length: 500 }, (_, i) => (i * 37) % 150);
      await Promise.all(
        weights.map((weight, i) =>
          semaphore.run(
            async () => {
              occupied += Math.min(weight, 100);
              most = Math.max(most, occupied);
              await (i % 3 === 0 ? setImmediate() : undefined);
              occupied -= Math.min(weight, 100);
            },
            { weight, owner: owners[i % 3] },
          ),
        ),
      );
      assert.equal(most, 100);
    });
  });

  it('takes time proportional to the number of tasks', async () => {
    const semaphore = new Semaphore(1);
    const run = (owner: object) => semaphore.run(() => Promise.resolve(), { owner });
    const start = process.cpuUsage();
    const one = {};
    await Promise.all(Array.from({ length: 100_000 }, () => run(one)));
    await Promise.all(Array.from({ length: 100_000 }, () => run({})));
    // Processor time, which does not depend on other processes.
    const duration = process.cpuUsage(start).user / 1000;
    assert.ok(duration < 10_000, `200,000 tasks took ${duration} ms`);
  });
});
