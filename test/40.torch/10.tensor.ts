import assert from 'node:assert/strict';
import { OptionError, TensorError } from '../../src/errors';
import { Tensor } from '../../src/torch';

describe('tensors', () => {
  it('give back what was put in, for every dtype', async () => {
    const data = [
      ['float32', new Float32Array([1.5, -2, 3])],
      ['float64', new Float64Array([1e300, -2, 3])],
      ['float16', new Uint16Array([0x3c00, 1, 2])],
      ['bfloat16', new Uint16Array([0x3f80, 1, 2])],
      ['int8', new Int8Array([-128, 0, 127])],
      ['uint8', new Uint8Array([0, 1, 255])],
      ['int16', new Int16Array([-32768, 0, 32767])],
      ['int32', new Int32Array([-(2 ** 31), 0, 5])],
      ['int64', new BigInt64Array([-(2n ** 63n), 0n, 2n ** 63n - 1n])],
      ['bool', new Uint8Array([0, 1, 1])],
    ] as const;
    for (const [dtype, values] of data) {
      using tensor = Tensor.from(values, [1, 3], dtype);
      assert.equal(tensor.dtype, dtype);
      assert.deepEqual(tensor.shape, [1, 3]);
      assert.equal(tensor.device, 'cpu');
      assert.deepEqual(await tensor.data(), values);
    }
  });

  it('take the dtype of the typed array, and one dimension, by default', () => {
    using tensor = Tensor.from(new Int16Array(4), undefined, undefined);
    assert.equal(tensor.dtype, 'int16');
    assert.deepEqual(tensor.shape, [4]);
  });

  it('are copies', async () => {
    const values = new Float32Array([1, 2]);
    using tensor = Tensor.from(values);
    values[0] = 9;
    const read = await tensor.data();
    read[1] = 9;
    assert.deepEqual(await tensor.data(), new Float32Array([1, 2]));
  });

  it('take a view into a larger buffer', async () => {
    const values = new Float32Array([1, 2, 3, 4]).subarray(1, 3);
    using tensor = Tensor.from(values);
    assert.deepEqual(await tensor.data(), new Float32Array([2, 3]));
  });

  it('may be scalar or empty', async () => {
    using scalar = Tensor.from(new Float32Array([7]), []);
    using empty = Tensor.from(new Float32Array(), [0, 3]);
    assert.deepEqual(scalar.shape, []);
    assert.deepEqual(await scalar.data(), new Float32Array([7]));
    assert.deepEqual(empty.shape, [0, 3]);
    assert.equal((await empty.data()).length, 0);
  });

  it('refuse a shape that does not fit the data', () => {
    assert.throws(
      () => Tensor.from(new Float32Array(3), [2, 2]),
      (error) =>
        error instanceof TensorError &&
        error.code === 'ERR_SEMISUP_TENSOR' &&
        error.message.includes('[2, 2] has 4 elements but the data have 3'),
    );
  });

  it('refuse dimensions that are none', () => {
    for (const bad of [-1, 1.5, NaN, 2 ** 60, '3' as unknown as number]) {
      assert.throws(() => Tensor.from(new Float32Array(3), [bad]), OptionError, String(bad));
    }
    assert.throws(() => Tensor.from(new Float32Array(0), [2 ** 52, 2 ** 52, 0]), TensorError);
  });

  it('refuse data of another type than the dtype', () => {
    assert.throws(() => Tensor.from([1, 2] as unknown as Float32Array), OptionError);
    assert.throws(() => Tensor.from(new Float32Array(1), [1], 'int32' as 'float32'), OptionError);
    assert.throws(() => Tensor.from(new Uint16Array(1) as unknown as Float32Array), OptionError);
  });

  it('are gone after dispose, which may be repeated', async () => {
    const tensor = Tensor.from(new Float32Array(2));
    tensor.dispose();
    tensor.dispose();
    await assert.rejects(tensor.data(), { code: 'ERR_SEMISUP_DISPOSED' });
  });

  it('say what they are in short', () => {
    using tensor = Tensor.from(new Float32Array(6), [2, 3]);
    assert.equal(String(tensor), 'Tensor(float32 [2, 3] cpu)');
  });
});
