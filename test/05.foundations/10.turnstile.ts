import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Turnstile } from '../../src/turnstile';

describe('turnstile', () => {
  it('lets so many pass at a time, in their order', async () => {
    const turnstile = new Turnstile(2);
    const order: number[] = [];
    let inside = 0;
    let most = 0;
    const visit = (i: number) =>
      turnstile.pass(async () => {
        order.push(i);
        most = Math.max(most, ++inside);
        await sleep(2);
        inside--;
        return i;
      });
    const answers = await Promise.all([0, 1, 2, 3, 4, 5, 6].map(visit));
    assert.deepEqual(answers, [0, 1, 2, 3, 4, 5, 6]);
    assert.deepEqual(order, answers);
    assert.equal(most, 2);
  });

  it('goes on after one that fails', async () => {
    const turnstile = new Turnstile(1);
    const failing = turnstile.pass(() => Promise.reject(new Error('no')));
    const next = turnstile.pass(() => Promise.resolve('yes'));
    await assert.rejects(failing, /no/);
    assert.equal(await next, 'yes');
  });

  it('lets none pass that was aborted while it waited', async () => {
    const turnstile = new Turnstile(1);
    const controller = new AbortController();
    const first = turnstile.pass(() => sleep(5));
    let ran = false;
    const second = turnstile.pass(() => {
      ran = true;
      return Promise.resolve();
    }, controller.signal);
    controller.abort(new Error('gone'));
    await Promise.all([first, assert.rejects(second, /gone/)]);
    assert.equal(await turnstile.pass(() => Promise.resolve('third')), 'third');
    assert.equal(ran, false);
  });
});
