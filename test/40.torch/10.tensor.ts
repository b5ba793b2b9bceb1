import assert from 'node:assert/strict';
import { DisposedError, OptionError, SemisupError, TensorError } from '../../src/errors';
import { dtypeBytes } from '../../src/types';
import { memory, Tensor } from '../../src/native';
import { goldens, loadFixture } from '../support/torchscript';

describe('Tensor', () => {
  it('returns its data unchanged for every dtype', async () => {
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
      ['uint16', new Uint16Array([0, 1, 65535])],
      ['uint32', new Uint32Array([0, 1, 2 ** 32 - 1])],
      ['uint64', new BigUint64Array([0n, 1n, 2n ** 64n - 1n])],
      ['bool', new Uint8Array([0, 1, 1])],
      ['complex64', new Float32Array([1, -2, 0.5, NaN, -0, Infinity])],
      ['complex128', new Float64Array([1, -2, 1e300, NaN, -0, Infinity])],
    ] as const;
    assert.deepEqual(new Set(data.map(([dtype]) => dtype)), new Set(Object.keys(dtypeBytes)));
    for (const [dtype, values] of data) {
      using tensor = Tensor.from(values, [1, 3], dtype);
      assert.equal(tensor.dtype, dtype);
      assert.deepEqual(tensor.shape, [1, 3]);
      assert.equal(tensor.device, 'cpu');
      assert.deepEqual(await tensor.data(), values);
      assert.deepEqual(tensor.dataSync(), values);
    }
  });

  it('copies the data on input and on output', async () => {
    const values = new Float32Array([1, 2]);
    using tensor = Tensor.from(values);
    values[0] = 9;
    const read = await tensor.data();
    read[1] = 9;
    assert.deepEqual(await tensor.data(), new Float32Array([1, 2]));
  });

  it('supports scalar and empty tensors', async () => {
    using scalar = Tensor.from(new Float32Array([7]), []);
    using empty = Tensor.from(new Float32Array(), [0, 3]);
    assert.deepEqual(scalar.shape, []);
    assert.deepEqual(await scalar.data(), new Float32Array([7]));
    assert.deepEqual(empty.shape, [0, 3]);
    assert.equal((await empty.data()).length, 0);
  });

  it('has an immutable shape', () => {
    using tensor = Tensor.from([1, 2]);
    assert.throws(() => (tensor.shape as number[]).push(1), TypeError);
  });

  it('rejects a shape that does not match the data', () => {
    for (const [shape, elements] of [
      [[2, 2], 4],
      [[], 1],
      [[0], 0],
      [[4], 4],
    ] as const) {
      assert.throws(
        () => Tensor.from(new Float32Array(3), shape),
        (error) =>
          error instanceof TensorError &&
          error.code === 'ERR_SEMISUP_TENSOR' &&
          error.what ===
            `Expected ${elements} elements for the shape [${shape.join(', ')}], but received 3.`,
      );
    }
  });

  it('rejects invalid dimensions', () => {
    const notNumbers = ['3', null, undefined, 3n, [3], {}, Symbol('3'), () => 3] as number[];
    for (const invalid of [-1, 1.5, NaN, Infinity, -0.5, 2 ** 53, 2 ** 60, ...notNumbers]) {
      assert.throws(() => Tensor.from(new Float32Array(3), [invalid]), OptionError);
      assert.throws(() => Tensor.from(new Float32Array(3), [1, invalid]), OptionError);
      if (invalid !== -1) {
        assert.throws(() => Tensor.from(new Float32Array(3)).reshape([invalid]), OptionError);
      }
    }
    const sparse = new Array<number>(2);
    assert.throws(() => Tensor.from(new Float32Array(3), sparse), OptionError);
    for (const invalid of ['3', 3, null, {}, new Int32Array([3]), Symbol('3')]) {
      assert.throws(() => Tensor.from(new Float32Array(3), invalid as number[]), OptionError);
    }
  });

  it('rejects more elements or dimensions than supported', () => {
    const huge = [2 ** 52, 2 ** 52, 0];
    assert.throws(() => Tensor.from(new Float32Array(0), huge), TensorError);
    assert.throws(() => Tensor.from(new Float32Array(0), [2 ** 40, 2 ** 40]), OptionError);
    assert.throws(() => Tensor.from(new Float32Array(1), Array<number>(65).fill(1)), OptionError);
    using tensor = Tensor.from(new Float32Array(1), Array<number>(64).fill(1));
    assert.equal(tensor.shape.length, 64);
    assert.throws(() => tensor.reshape([2 ** 40, 2 ** 40]), OptionError);
  });

  describe('to', () => {
    it('converts between dtypes', () => {
      using tensor = Tensor.from([0, 1.75, -3]);
      assert.deepEqual(tensor.to({ dtype: 'float64' }).dataSync(), new Float64Array([0, 1.75, -3]));
      assert.deepEqual(tensor.to({ dtype: 'int64' }).dataSync(), new BigInt64Array([0n, 1n, -3n]));
      assert.deepEqual(tensor.to({ dtype: 'int8' }).dataSync(), new Int8Array([0, 1, -3]));
      assert.deepEqual(tensor.to({ dtype: 'bool' }).dataSync(), new Uint8Array([0, 1, 1]));
      assert.deepEqual(
        tensor.to({ dtype: 'bfloat16' }).dataSync(),
        new Uint16Array([0, 0x3fe0, 0xc040]),
      );
      assert.deepEqual(
        tensor.to({ dtype: 'complex128' }).dataSync(),
        new Float64Array([0, 0, 1.75, 0, -3, 0]),
      );
    });

    it('converts unsigned integers, and these to others', () => {
      using tensor = Tensor.from([0, 1, 65535], undefined, 'uint16');
      assert.deepEqual(tensor.to({ dtype: 'float32' }).dataSync(), new Float32Array([0, 1, 65535]));
      assert.deepEqual(
        tensor.to({ dtype: 'uint64' }).dataSync(),
        new BigUint64Array([0n, 1n, 65535n]),
      );
      assert.deepEqual(tensor.to({ dtype: 'uint32' }).dataSync(), new Uint32Array([0, 1, 65535]));
    });

    it('returns a new object for the same memory if nothing changes', () => {
      const tensor = Tensor.from([1, 2]);
      const same = tensor.to({ device: 'cpu' });
      tensor.dispose();
      assert.deepEqual(same.dataSync(), new Float32Array([1, 2]));
      assert.deepEqual(same.to().dataSync(), new Float32Array([1, 2]));
      same.dispose();
    });

    it('rejects invalid targets', () => {
      using tensor = Tensor.from([1]);
      const invalid = [
        { dtype: 'float' },
        { dtype: 7 },
        { dtype: null },
        { dtype: '__proto__' },
        { device: 'gpu' },
        { device: 7 },
        { dtipe: 'int8' },
        null,
        'float64',
        ['float64'],
      ] as object[];
      for (const target of invalid) assert.throws(() => tensor.to(target), OptionError);
      assert.throws(() => tensor.to({ device: 'cuda:0' }), {
        code: 'ERR_SEMISUP_DEVICE_UNAVAILABLE',
      });
    });
  });

  describe('reshape', () => {
    it('changes the shape and infers a dimension of -1', () => {
      using tensor = Tensor.from([1, 2, 3, 4, 5, 6], [2, 3]);
      for (const [shape, expected] of [
        [
          [3, 2],
          [3, 2],
        ],
        [[6], [6]],
        [[-1], [6]],
        [
          [-1, 2],
          [3, 2],
        ],
        [
          [1, -1, 6],
          [1, 1, 6],
        ],
      ] as const) {
        using reshaped = tensor.reshape(shape);
        assert.deepEqual(reshaped.shape, expected);
        assert.deepEqual(reshaped.dataSync(), new Float32Array([1, 2, 3, 4, 5, 6]));
      }
    });

    it('rejects a different number of elements', () => {
      using tensor = Tensor.from([1, 2, 3, 4, 5, 6], [2, 3]);
      using empty = Tensor.from(new Float32Array(), [0, 3]);
      assert.throws(() => tensor.reshape([7]), TensorError);
      assert.throws(() => tensor.reshape([]), TensorError);
      assert.throws(() => tensor.reshape([4, -1]), TensorError);
      assert.throws(() => empty.reshape([-1, 0]), TensorError);
      assert.throws(() => tensor.reshape([-1, -1]), OptionError);
      assert.throws(() => tensor.reshape([-2, -3]), OptionError);
      assert.throws(() => tensor.reshape(6 as unknown as number[]), OptionError);
    });
  });

  describe('toFloat32', () => {
    for (const { dtype, bits, float32 } of goldens.widened) {
      it(`converts ${dtype} as PyTorch does`, async () => {
        using tensor = Tensor.from(Uint16Array.from(bits), [bits.length], dtype);
        const widened = await tensor.toFloat32();
        assert.deepEqual(new Int32Array(widened.buffer), Int32Array.from(float32));
      });
    }

    it('converts every bfloat16, the upper 16 bits of a float32', async () => {
      const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
      using tensor = Tensor.from(bits, [65536], 'bfloat16');
      const expected = new Float32Array(Uint32Array.from(bits, (half) => half * 65536).buffer);
      assert.deepEqual(await tensor.toFloat32(), expected);
    });

    it('converts every float16', async () => {
      const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
      const expected = Float32Array.from(bits, (half) => {
        const sign = half >> 15 ? -1 : 1;
        const [exponent, fraction] = [(half >> 10) & 31, (half & 1023) / 1024];
        if (exponent === 31) return fraction ? NaN : sign * Infinity;
        return sign * (exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14);
      });
      using tensor = Tensor.from(bits, [65536], 'float16');
      // Arrays of numbers compare equal even if the bits of NaN differ.
      assert.deepEqual([...(await tensor.toFloat32())], [...expected]);
    });

    it('supports every dtype', async () => {
      using tensor = Tensor.from([true, false]);
      assert.deepEqual(await tensor.toFloat32(), new Float32Array([1, 0]));
    });
  });

  describe('dispose', () => {
    it('frees the memory immediately and is idempotent', () => {
      const before = memory().tensors;
      const tensor = Tensor.from(new Float64Array(1000));
      assert.deepEqual(memory().tensors, { count: before.count + 1, bytes: before.bytes + 8000 });
      tensor.dispose();
      tensor.dispose();
      tensor[Symbol.dispose]();
      assert.deepEqual(memory().tensors, before);
    });

    it('makes every operation fail but keeps dtype, shape and device', async () => {
      const tensor = Tensor.from(new Float32Array(2));
      tensor.dispose();
      assert.deepEqual([tensor.dtype, tensor.shape, tensor.device], ['float32', [2], 'cpu']);
      await assert.rejects(tensor.data(), DisposedError);
      await assert.rejects(tensor.toFloat32(), DisposedError);
      for (const use of [
        () => tensor.dataSync(),
        () => tensor.to({ dtype: 'int8' }),
        () => tensor.reshape([2]),
        () => tensor.toString(),
      ]) {
        assert.throws(use, { name: 'DisposedError', code: 'ERR_SEMISUP_DISPOSED' });
      }
      await using module = await loadFixture('values');
      await assert.rejects(module.forward(tensor), DisposedError);
      await assert.rejects(module.call('kind', tensor), DisposedError);
      await assert.rejects(module.call('tensors', [tensor]), DisposedError);
      assert.throws(() => module.forwardSync(tensor), DisposedError);
    });

    it('is not required after a failed construction', () => {
      const before = memory();
      for (let i = 0; i < 10; i++) {
        assert.throws(() => Tensor.from(new Float32Array(3), [2]), SemisupError);
        assert.throws(() => Tensor.from([1, 2, 3], [2], 'float16'), SemisupError);
      }
      assert.deepEqual(memory(), before);
    });
  });
});
