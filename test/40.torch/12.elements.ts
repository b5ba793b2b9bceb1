import assert from 'node:assert/strict';
import { OptionError, SemisupError, TensorError } from '../../src/errors';
import { Tensor } from '../../src/native';
import { goldens } from '../support/torchscript';

describe('tensor elements', () => {
  it('accepts typed arrays of every class and infers the dtype', () => {
    for (const [data, dtype] of [
      [new Float32Array(2), 'float32'],
      [new Float64Array(2), 'float64'],
      [new Int8Array(2), 'int8'],
      [new Uint8Array(2), 'uint8'],
      [new Uint8ClampedArray(2), 'uint8'],
      [Buffer.alloc(2), 'uint8'],
      [new Int16Array(2), 'int16'],
      [new Int32Array(2), 'int32'],
      [new BigInt64Array(2), 'int64'],
    ] as const) {
      using tensor = Tensor.from(data);
      assert.equal(tensor.dtype, dtype);
      assert.deepEqual(tensor.shape, [2]);
    }
  });

  it('converts unsigned 32 and 64 bit integers in range to int64', () => {
    using small = Tensor.from(new Uint32Array([0, 4294967295]));
    assert.deepEqual(small.dataSync(), new BigInt64Array([0n, 4294967295n]));
    using large = Tensor.from(new BigUint64Array([2n ** 63n - 1n]));
    assert.deepEqual(large.dataSync(), new BigInt64Array([2n ** 63n - 1n]));
    assert.throws(() => Tensor.from(new BigUint64Array([2n ** 63n])), OptionError);
    const seven = new Uint32Array([7]);
    assert.deepEqual(Tensor.from(seven, [1], 'int32').dataSync(), new Int32Array([7]));
    assert.equal(String(Tensor.from(seven, [], 'float16')), 'tensor(7., dtype=torch.float16)');
  });

  it('takes unsigned typed arrays as they are if their dtype is named', () => {
    const words = Uint32Array.of(0, 4294967295);
    assert.deepEqual(Tensor.from(words, [2], 'uint32').dataSync(), words);
    const doubleWords = BigUint64Array.of(0n, 2n ** 64n - 1n);
    assert.deepEqual(Tensor.from(doubleWords, [2], 'uint64').dataSync(), doubleWords);
  });

  it('reads complex numbers from their real and imaginary parts in turn', () => {
    const parts = Float32Array.of(1, 2, 3, -4);
    for (const data of [parts, [1, 2, 3, -4]]) {
      using tensor = Tensor.from(data, undefined, 'complex64');
      assert.deepEqual([tensor.shape, tensor.dataSync()], [[2], parts]);
      using column = Tensor.from(data, [2, 1], 'complex64');
      assert.equal(String(column), 'tensor([[1.+2.j],\n        [3.-4.j]])');
    }
    using scalar = Tensor.from([0.5, 0], [], 'complex128');
    assert.equal(String(scalar), 'tensor(0.5000+0.j, dtype=torch.complex128)');
    for (const [data, shape, what] of [
      [
        [1, 2, 3],
        undefined,
        'Expected the real and the imaginary part of each element of a complex64 tensor, but received 3 numbers.',
      ],
      [[1, 2, 3, 4], [4], 'Expected 8 real and imaginary parts for the shape [4], but received 4.'],
    ] as const) {
      assert.throws(() => Tensor.from(data, shape, 'complex64'), { name: 'TensorError', what });
    }
  });

  it('accepts arrays of numbers, bigints or booleans', () => {
    for (const [data, typed, dtype] of [
      [[1, 0.5], new Float32Array([1, 0.5]), 'float32'],
      [[], new Float32Array([]), 'float32'],
      [[1n, -2n], new BigInt64Array([1n, -2n]), 'int64'],
      [[true, false], new Uint8Array([1, 0]), 'bool'],
    ] as [number[], Float32Array, 'float32'][]) {
      using tensor = Tensor.from(data);
      assert.equal(tensor.dtype, dtype);
      assert.deepEqual(tensor.dataSync(), typed);
    }
  });

  it('accepts arrays of numbers for every dtype', () => {
    for (const [dtype, data, typed] of [
      ['float32', [0.1, -0, 1n], Float32Array.of(0.1, -0, 1)],
      ['float64', [0.1, NaN, Infinity], Float64Array.of(0.1, NaN, Infinity)],
      ['int8', [-128, 127, 1n], Int8Array.of(-128, 127, 1)],
      ['uint8', [0, 255], Uint8Array.of(0, 255)],
      ['int16', [-32768, 32767], Int16Array.of(-32768, 32767)],
      ['int32', [-(2 ** 31), 2 ** 31 - 1], Int32Array.of(-(2 ** 31), 2 ** 31 - 1)],
      ['int64', [2 ** 53, -5, 2n ** 63n - 1n], BigInt64Array.of(2n ** 53n, -5n, 2n ** 63n - 1n)],
      ['uint16', [0, 65535, 7n], Uint16Array.of(0, 65535, 7)],
      ['uint32', [0, 2 ** 32 - 1], Uint32Array.of(0, 2 ** 32 - 1)],
      ['uint64', [0, 2 ** 53, 2n ** 64n - 1n], BigUint64Array.of(0n, 2n ** 53n, 2n ** 64n - 1n)],
      ['bool', [true, 0, 2, false, NaN, 0n], Uint8Array.of(1, 0, 1, 0, 1, 0)],
    ] as ['float32', number[], Float32Array][]) {
      using tensor = Tensor.from(data, [data.length], dtype);
      assert.deepEqual(tensor.dataSync(), typed);
    }
  });

  for (const { dtype, numbers, bits } of goldens.narrowed) {
    it(`converts numbers to ${dtype} as PyTorch does`, () => {
      using tensor = Tensor.from(numbers, [numbers.length], dtype);
      assert.deepEqual(tensor.dataSync(), Uint16Array.from(bits));
    });
  }

  it('rejects numbers that the dtype cannot represent', () => {
    for (const [dtype, value] of [
      ['int8', 128],
      ['int8', -129],
      ['uint8', -1],
      ['uint8', 256n],
      ['int16', 40000],
      ['int32', 2 ** 31],
      ['int32', 0.5],
      ['int64', 0.5],
      ['int64', 2 ** 63],
      ['int64', 2n ** 63n],
      ['int64', NaN],
      ['int64', Infinity],
      ['uint8', NaN],
      ['uint16', 65536],
      ['uint32', -1],
      ['uint64', 2n ** 64n],
      ['uint64', -1n],
    ] as const) {
      assert.throws(() => Tensor.from([0, value] as number[], [2], dtype), {
        code: 'ERR_SEMISUP_OPTION_VALUE',
        what: new RegExp(`^Expected an integer from .* for data\\[1\\] of a ${dtype} tensor, but`),
        value,
      });
    }
  });

  it('rejects elements that do not match the dtype', () => {
    for (const [data, dtype] of [
      [new Float32Array(1), 'int32'],
      [new Float32Array(1), 'float64'],
      [new Int8Array(1), 'uint8'],
      [new Uint16Array(1), 'int16'],
      [new Int16Array(1), 'float16'],
      [new Int16Array(1), 'bfloat16'],
      [[true], 'float32'],
      [['1'], 'float32'],
      [['1'], 'bool'],
      [[1, undefined], 'float32'],
      [[1, null], 'float32'],
      [[1, , 2], 'float32'], // eslint-disable-line no-sparse-arrays
      [[1, [2]], 'float32'],
      [new Uint16Array(1), 'uint32'],
      [new Int32Array(1), 'uint32'],
      [new Float64Array(2), 'complex64'],
      [[1], 'float'],
      [[1], 'toString'],
      [[1], 32],
    ] as unknown as [number[], 'float32'][]) {
      const length = Array.isArray(data) ? data.length : 1;
      assert.throws(() => Tensor.from(data, [length], dtype), OptionError);
    }
    assert.throws(() => Tensor.from(new Uint16Array(1) as unknown as Float32Array), {
      what: 'Expected a typed array with a dtype for the data of a tensor, but received an object of class Uint16Array.',
      remedy: `Pass the dtype: 'uint16', or 'float16' or 'bfloat16' for bit patterns.`,
    });
  });

  it('rejects values that are not arrays', () => {
    const { proxy: revoked, revoke } = Proxy.revocable([], {});
    revoke();
    const throwing = new Proxy([1], {
      get: () => {
        throw new TypeError('not this');
      },
    });
    for (const data of [
      null,
      undefined,
      7,
      '123',
      true,
      7n,
      Symbol('data'),
      () => 1,
      {},
      { length: 1, 0: 1 },
      new ArrayBuffer(4),
      new SharedArrayBuffer(4),
      new DataView(new ArrayBuffer(4)),
      new Set([1]),
      Object.create(Float32Array.prototype),
      new Proxy(new Float32Array(1), {}),
      revoked,
      throwing,
      Object.create(null),
      { constructor: { name: Symbol('name') } },
    ] as unknown as number[][]) {
      assert.throws(() => Tensor.from(data), SemisupError);
      assert.throws(() => Tensor.from(data, [1], 'float32'), SemisupError);
      assert.throws(() => Tensor.from(data, [1], 'float16'), SemisupError);
      if (data !== undefined) assert.throws(() => Tensor.from([1], data), SemisupError);
    }
  });

  it('accepts a proxy of an array', () => {
    using tensor = Tensor.from(new Proxy([1, 2], {}), new Proxy([2, 1], {}));
    assert.deepEqual([tensor.shape, tensor.dataSync()], [[2, 1], new Float32Array([1, 2])]);
  });

  it('accepts a view of a larger buffer at any offset', async () => {
    const values = new Float32Array([1, 2, 3, 4]).subarray(1, 3);
    using tensor = Tensor.from(values);
    assert.deepEqual(await tensor.data(), new Float32Array([2, 3]));
    using bytes = Tensor.from(new Uint8Array([1, 2, 3]).subarray(1));
    assert.deepEqual(await bytes.data(), new Uint8Array([2, 3]));
  });

  it('accepts a view of a SharedArrayBuffer', () => {
    const shared = new Float32Array(new SharedArrayBuffer(16), 4, 2);
    shared.set([1, 2]);
    using tensor = Tensor.from(shared);
    shared.fill(0);
    assert.deepEqual(tensor.dataSync(), new Float32Array([1, 2]));
  });

  it('rejects a view of a transferred buffer', () => {
    const data = new Float32Array([1, 2]);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    assert.throws(() => Tensor.from(data), TensorError);
    assert.throws(() => Tensor.from(data, [2]), TensorError);
    assert.throws(() => Tensor.from(data, [0]), TensorError);
  });

  it('rejects a view of a resizable buffer', () => {
    type Resizable = new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
    const buffer = new (ArrayBuffer as unknown as Resizable)(8, { maxByteLength: 16 });
    assert.throws(() => Tensor.from(new Float32Array(buffer)), OptionError);
    assert.throws(() => Tensor.from(new Float32Array(buffer), [2]), OptionError);
    assert.throws(() => Tensor.from(new Uint32Array(buffer), [2]), OptionError);
  });

  it('converts every nonzero byte of a boolean tensor to true', async () => {
    using tensor = Tensor.from(new Uint8Array([0, 1, 2, 128, 255]), [5], 'bool');
    assert.deepEqual(await tensor.data(), new Uint8Array([0, 1, 1, 1, 1]));
    assert.equal(String(tensor), 'tensor([False,  True,  True,  True,  True])');
  });
});
