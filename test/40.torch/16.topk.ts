import assert from 'node:assert/strict';
import { TensorError } from '../../src/errors';
import { Executor, openEngine, softmaxTopk, Tensor } from '../../src/native';
import { sharedExecutor } from '../../src/torch';

describe('softmaxTopk', () => {
  async function topK(
    logits: readonly (readonly number[])[],
    k: number,
    temperatures?: readonly number[],
  ) {
    const tensor = Tensor.from(logits);
    const { indices, probabilities } = await softmaxTopk(
      ...([await sharedExecutor(), tensor, k] as const),
      temperatures && Float64Array.from(temperatures),
    );
    return { indices: [...indices], probabilities: [...probabilities] };
  }

  it('returns the most probable classes of each row, best first', async () => {
    const { indices, probabilities } = await topK(
      [
        [1, 3, 2],
        [0, -1, 5],
      ],
      2,
    );
    assert.deepEqual(indices, [1, 2, 2, 0]);
    const sums = [Math.exp(-2) + 1 + Math.exp(-1), Math.exp(-5) + Math.exp(-6) + 1];
    const expected = [1 / sums[0]!, Math.exp(-1) / sums[0]!, 1 / sums[1]!, Math.exp(-5) / sums[1]!];
    for (const [i, value] of expected.entries()) {
      assert.ok(Math.abs(probabilities[i]! - value) < 1e-7, `${probabilities[i]} ${value}`);
    }
  });

  it('puts the lower index first among equal logits', async () => {
    const { indices } = await topK([[2, 7, 7, 2, 7]], 5);
    assert.deepEqual(indices, [1, 2, 4, 0, 3]);
  });

  it('does not overflow', async () => {
    const { probabilities } = await topK([[1000, 1000, -1000]], 3);
    assert.deepEqual(probabilities, [0.5, 0.5, 0]);
  });

  it('puts NaN first, whose row has no probabilities', async () => {
    const { indices, probabilities } = await topK([[2, 5, NaN, 1, 7, 9, NaN]], 4);
    assert.deepEqual(indices, [2, 6, 5, 4]);
    assert.ok(probabilities.every(Number.isNaN));
  });

  it('divides each row by its temperature', async () => {
    const row = [1, 3, 2];
    const { indices, probabilities } = await topK([row, row, row], 3, [1, 2, 0.5]);
    assert.deepEqual(indices, [1, 2, 0, 1, 2, 0, 1, 2, 0]);
    const softmax = (logits: readonly number[]) => {
      const exponentials = logits.map(Math.exp);
      const sum = exponentials.reduce((a, b) => a + b);
      return exponentials.map((one) => one / sum);
    };
    const expected = [softmax([3, 2, 1]), softmax([1.5, 1, 0.5]), softmax([6, 4, 2])].flat();
    for (const [i, value] of expected.entries()) {
      assert.ok(Math.abs(probabilities[i]! - value) < 1e-7, `${probabilities[i]} ${value}`);
    }
  });

  it('remains finite at the smallest and the largest temperature', async () => {
    const { probabilities } = await topK(
      [
        [1, 3],
        [1, 3],
      ],
      2,
      [Number.MIN_VALUE, Number.MAX_VALUE],
    );
    assert.deepEqual(probabilities, [1, 0, 0.5, 0.5]);
  });

  it('rejects another number of temperatures than of rows', async () => {
    await assert.rejects(topK([[1, 2]], 2, [1, 1]), { code: 'ERR_SEMISUP_TENSOR' });
  });

  it('rejects more classes than there are logits', async () => {
    await assert.rejects(topK([[1, 2]], 3), (error: TensorError) => {
      assert.ok(error instanceof TensorError);
      assert.match(error.message, /at least 3 logits per image, but received 2/);
      return true;
    });
  });

  it('rejects other tensors than float32 logits without LibTorch, which would convert them', async () => {
    const executor = Executor.start(openEngine());
    for (const tensor of [
      Tensor.from(new Float64Array(4), [1, 4]),
      Tensor.from(new Uint8Array(2 ** 16), [1, 2 ** 16]),
      Tensor.from(new Float32Array(4)),
    ]) {
      await assert.rejects(softmaxTopk(executor, tensor, 2), { code: 'ERR_SEMISUP_TENSOR' });
    }
    await executor.close();
  });
});
