import assert from 'node:assert/strict';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Batcher } from '../../src/classify/batcher';

describe('a batcher', () => {
  /** Doubles numbers, a batch at a time, each when it is let go. */
  function doubling({ maxBatchSize = 4, concurrency = 1, maxDelay = 1_000_000 } = {}) {
    const batches: number[][] = [];
    const letGo: (() => void)[] = [];
    const batcher = new Batcher<number, number>(
      { maxBatchSize, concurrency, maxDelay },
      async (inputs) => {
        batches.push([...inputs]);
        if (inputs.includes(13)) throw new Error(`unlucky: ${inputs.join(', ')}`);
        await new Promise<void>((resolve) => letGo.push(resolve));
        return inputs.map((input) => 2 * input);
      },
    );
    const add = (input: number, signal?: AbortSignal) =>
      batcher.add(() => Promise.resolve(input), { signal });
    return { batches, letGo, batcher, add };
  }

  it('runs what comes alone at once', async () => {
    const { batches, letGo, add } = doubling();
    const answer = add(1);
    await setImmediate();
    assert.deepEqual(batches, [[1]]);
    letGo.shift()!();
    assert.equal(await answer, 2);
  });

  it('runs together what came while it was busy, so many at most, in order', async () => {
    const { batches, letGo, add } = doubling();
    const answers = [add(1)];
    await setImmediate();
    answers.push(...[2, 3, 4, 5, 6, 7].map((input) => add(input)));
    while (batches.length < 3) {
      await setImmediate();
      letGo.shift()?.();
    }
    letGo.shift()?.();
    assert.deepEqual(batches, [[1], [2, 3, 4, 5], [6, 7]]);
    assert.deepEqual(await Promise.all(answers), [2, 4, 6, 8, 10, 12, 14]);
  });

  it('waits for what is on its way, for so long', async () => {
    const { batches, letGo, batcher, add } = doubling({ maxDelay: 20 });
    const slow = batcher.add(() => setTimeout(60, 9));
    const quick = add(1);
    await setImmediate();
    assert.deepEqual(batches, []);
    await setTimeout(40);
    assert.deepEqual(batches, [[1]]);
    letGo.shift()!();
    await quick;
    await setTimeout(40);
    letGo.shift()!();
    assert.equal(await slow, 18);
  });

  it('does not wait for what fails on its way', async () => {
    const { batches, letGo, batcher, add } = doubling();
    const failing = batcher.add(async () => {
      await setImmediate();
      throw new Error('no picture');
    });
    const answer = add(1);
    await assert.rejects(failing, /no picture/);
    assert.deepEqual(batches, [[1]]);
    letGo.shift()!();
    assert.equal(await answer, 2);
  });

  it('runs so many batches at a time', async () => {
    const { batches, letGo, add } = doubling({ maxBatchSize: 1, concurrency: 2 });
    const answers = [1, 2, 3].map((input) => add(input));
    await setImmediate();
    assert.deepEqual(batches, [[1], [2]]);
    while (letGo.length > 0) {
      letGo.shift()!();
      await setImmediate();
    }
    assert.deepEqual(await Promise.all(answers), [2, 4, 6]);
  });

  it('prepares no more than one batch besides those that run', async () => {
    const { letGo, batcher } = doubling({ maxBatchSize: 2 });
    let prepared = 0;
    const answers = Array.from({ length: 10 }, () =>
      batcher.add(() => Promise.resolve(++prepared)),
    );
    await setImmediate();
    assert.equal(prepared, 4);
    while (prepared < 10 || letGo.length > 0) {
      letGo.shift()?.();
      await setImmediate();
    }
    assert.equal((await Promise.all(answers)).length, 10);
  });

  it('spares the others the error of one', async () => {
    const { batches, letGo, add } = doubling();
    const answers = [1, 13, 3].map((input) => add(input));
    const settled = Promise.allSettled(answers);
    while (batches.length < 4) {
      await setImmediate();
      letGo.shift()?.();
    }
    await setImmediate();
    letGo.shift()?.();
    const [first, second, third] = await settled;
    assert.deepEqual(
      [first, third].map((one) => one!.status),
      ['fulfilled', 'fulfilled'],
    );
    assert.match(String((second as PromiseRejectedResult).reason), /unlucky: 13$/);
  });

  it('drops what is aborted before its batch begins', async () => {
    const { batches, letGo, add } = doubling();
    const reason = new Error('changed my mind');
    const controller = new AbortController();
    const first = add(1);
    await setImmediate();
    const aborted = add(2, controller.signal);
    const third = add(3);
    await setImmediate();
    controller.abort(reason);
    letGo.shift()!();
    await assert.rejects(aborted, reason);
    await setImmediate();
    letGo.shift()!();
    assert.deepEqual(await Promise.all([first, third]), [2, 6]);
    assert.deepEqual(batches, [[1], [3]]);
  });
});
