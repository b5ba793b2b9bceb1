import assert from 'node:assert/strict';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Batcher } from '../../src/classify/batcher';
import { Semaphore } from '../../src/semaphore';

describe('Batcher', () => {
  /** Creates a batcher that doubles numbers, and completes each batch when it is released. */
  function doublingBatcher({
    maxBatchSize = 4,
    concurrency = 1,
    maxDelay = 1_000_000,
    memory = new Semaphore(Infinity),
    rowsOf = undefined as ((input: number) => number) | undefined,
  } = {}) {
    const batches: number[][] = [];
    const releases: (() => void)[] = [];
    const batcher = new Batcher<number, number>(
      { maxBatchSize, concurrency, maxDelay, memory, rowsOf },
      async (inputs) => {
        batches.push([...inputs]);
        if (inputs.includes(13)) throw new Error(`unlucky: ${inputs.join(', ')}`);
        await new Promise<void>((resolve) => releases.push(resolve));
        return inputs.map((input) => 2 * input);
      },
    );
    const add = (input: number, signal?: AbortSignal) =>
      batcher.add(() => Promise.resolve(input), { signal });
    return { batches, releases, batcher, add };
  }

  it('runs a single input immediately', async () => {
    const { batches, releases, add } = doublingBatcher();
    const answer = add(1);
    await setImmediate();
    assert.deepEqual(batches, [[1]]);
    releases.shift()!();
    assert.equal(await answer, 2);
  });

  it('combines the inputs that arrive during a batch, in order, up to the maximum batch size', async () => {
    const { batches, releases, add } = doublingBatcher();
    const answers = [add(1)];
    await setImmediate();
    answers.push(...[2, 3, 4, 5, 6, 7].map((input) => add(input)));
    while (batches.length < 3) {
      await setImmediate();
      releases.shift()?.();
    }
    releases.shift()?.();
    assert.deepEqual(batches, [[1], [2, 3, 4, 5], [6, 7]]);
    assert.deepEqual(await Promise.all(answers), [2, 4, 6, 8, 10, 12, 14]);
  });

  it('counts the rows of inputs, of which one may exceed the maximum batch size', async () => {
    const { batches, releases, add } = doublingBatcher({ rowsOf: (input) => input });
    const answers = [add(1)];
    await setImmediate();
    answers.push(...[2, 1, 2, 10, 4, 1].map((input) => add(input)));
    while (batches.length < 6) {
      await setImmediate();
      releases.shift()?.();
    }
    releases.shift()?.();
    assert.deepEqual(batches, [[1], [2, 1], [2], [10], [4], [1]]);
    assert.deepEqual(await Promise.all(answers), [2, 4, 2, 4, 20, 8, 2]);
  });

  it('does not wait for others if an input fills a batch', async () => {
    const { batches, releases, batcher, add } = doublingBatcher({ rowsOf: () => 10 });
    const slow = batcher.add(() => setTimeout(60, 9));
    const quick = add(1);
    await setImmediate();
    assert.deepEqual(batches, [[1]]);
    releases.shift()!();
    assert.equal(await quick, 2);
    while (batches.length < 2) await setTimeout(10);
    releases.shift()!();
    assert.equal(await slow, 18);
  });

  it('waits for inputs that are being prepared, for at most maxDelay', async () => {
    const { batches, releases, batcher, add } = doublingBatcher({ maxDelay: 20 });
    const slow = batcher.add(() => setTimeout(60, 9));
    const quick = add(1);
    await setImmediate();
    assert.deepEqual(batches, []);
    await setTimeout(40);
    assert.deepEqual(batches, [[1]]);
    releases.shift()!();
    await quick;
    await setTimeout(40);
    releases.shift()!();
    assert.equal(await slow, 18);
  });

  it('does not wait for an input whose preparation fails', async () => {
    const { batches, releases, batcher, add } = doublingBatcher();
    const failing = batcher.add(async () => {
      await setImmediate();
      throw new Error('no image');
    });
    const answer = add(1);
    await assert.rejects(failing, /no image/);
    assert.deepEqual(batches, [[1]]);
    releases.shift()!();
    assert.equal(await answer, 2);
  });

  it('limits the number of concurrent batches', async () => {
    const { batches, releases, add } = doublingBatcher({ maxBatchSize: 1, concurrency: 2 });
    const answers = [1, 2, 3].map((input) => add(input));
    await setImmediate();
    assert.deepEqual(batches, [[1], [2]]);
    while (releases.length > 0) {
      releases.shift()!();
      await setImmediate();
    }
    assert.deepEqual(await Promise.all(answers), [2, 4, 6]);
  });

  it('prepares at most one batch in addition to the running ones', async () => {
    const { releases, batcher } = doublingBatcher({ maxBatchSize: 2 });
    let prepared = 0;
    const answers = Array.from({ length: 10 }, () =>
      batcher.add(() => Promise.resolve(++prepared)),
    );
    await setImmediate();
    assert.equal(prepared, 4);
    while (prepared < 10 || releases.length > 0) {
      releases.shift()?.();
      await setImmediate();
    }
    assert.equal((await Promise.all(answers)).length, 10);
  });

  it('rejects only the input that fails in a batch', async () => {
    const { batches, releases, add } = doublingBatcher();
    const answers = [1, 13, 3].map((input) => add(input));
    const settled = Promise.allSettled(answers);
    while (batches.length < 4) {
      await setImmediate();
      releases.shift()?.();
    }
    await setImmediate();
    releases.shift()?.();
    const [first, second, third] = await settled;
    assert.deepEqual(
      [first, third].map((result) => result!.status),
      ['fulfilled', 'fulfilled'],
    );
    assert.match(String((second as PromiseRejectedResult).reason), /unlucky: 13$/);
  });

  it('drops an input that is aborted before its batch starts', async () => {
    const { batches, releases, add } = doublingBatcher();
    const reason = new Error('canceled');
    const controller = new AbortController();
    const first = add(1);
    await setImmediate();
    const aborted = add(2, controller.signal);
    const third = add(3);
    await setImmediate();
    controller.abort(reason);
    releases.shift()!();
    await assert.rejects(aborted, reason);
    await setImmediate();
    releases.shift()!();
    assert.deepEqual(await Promise.all([first, third]), [2, 6]);
    assert.deepEqual(batches, [[1], [3]]);
  });

  describe('memory', () => {
    /** Adds an input that reserves `bytes`; `reserved` lists the inputs that hold their memory. */
    function reservingBatcher(capacity: number) {
      const memory = new Semaphore(capacity);
      const context = doublingBatcher({ maxBatchSize: 2, maxDelay: 1, memory });
      const reserved: number[] = [];
      const addLarge = (input: number, bytes: number, signal?: AbortSignal) =>
        context.batcher.add(
          async (reserve) => {
            await reserve(bytes);
            reserved.push(input);
            return input;
          },
          { signal },
        );
      return { ...context, reserved, addLarge };
    }

    it('is reserved by inputs until their batch ends', async () => {
      const { batches, releases, reserved, addLarge } = reservingBatcher(100);
      const answers = [addLarge(1, 60), addLarge(2, 60), addLarge(3, 20)];
      await setTimeout(20);
      assert.deepEqual([reserved, batches], [[1], [[1]]]);
      releases.shift()!();
      await setTimeout(20);
      assert.deepEqual(
        [reserved, batches],
        [
          [1, 2, 3],
          [[1], [2, 3]],
        ],
      );
      releases.shift()!();
      assert.deepEqual(await Promise.all(answers), [2, 4, 6]);
    });

    it('admits an input that exceeds it alone', async () => {
      const { batches, releases, addLarge } = reservingBatcher(100);
      const answers = [addLarge(1, 10), addLarge(2, 1e12), addLarge(3, 10)];
      while (batches.length < 3) {
        await setTimeout(5);
        releases.shift()?.();
      }
      releases.shift()?.();
      assert.deepEqual(batches, [[1], [2], [3]]);
      assert.deepEqual(await Promise.all(answers), [2, 4, 6]);
    });

    it('is released by inputs that fail or are aborted', async () => {
      const { batcher, releases, addLarge } = reservingBatcher(100);
      const failing = batcher.add(async (reserve) => {
        await reserve(100);
        throw new Error('no image');
      });
      const controller = new AbortController();
      const aborted = addLarge(1, 100, controller.signal);
      controller.abort(new Error('canceled'));
      await assert.rejects(failing, /no image/);
      await assert.rejects(aborted, /canceled/);
      const answer = addLarge(2, 100);
      await setTimeout(20);
      releases.shift()!();
      assert.equal(await answer, 4);
    });
  });
});
