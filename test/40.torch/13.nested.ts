import assert from 'node:assert/strict';
import { OptionError, TensorError } from '../../src/errors';
import { Tensor, type TensorData } from '../../src/native';
import type { DType } from '../../src/types';
import { goldens, legible, decodeTensor } from '../support/torchscript';

describe('Tensor.from nested arrays', () => {
  for (const { data, dtype, tensor } of goldens.nested) {
    it(`creates the tensor of PyTorch from ${JSON.stringify(data)} as ${dtype}`, () => {
      assert.deepEqual(legible(Tensor.from(data, undefined, dtype)), legible(decodeTensor(tensor)));
    });
  }

  it('infers the dtype from the first element', () => {
    for (const [data, dtype, shape] of [
      [[[1, 2.5]], 'float32', [1, 2]],
      [[[1n], [2]], 'int64', [2, 1]],
      [[[true], [false]], 'bool', [2, 1]],
      [[[], []], 'float32', [2, 0]],
      [[new Float64Array(3), new Float64Array(3)], 'float64', [2, 3]],
      [[new Uint32Array(1)], 'int64', [1, 1]],
      [[[new Int8Array(2)], [[7, 8]]], 'int8', [2, 1, 2]],
    ] as const) {
      using tensor = Tensor.from(data as unknown as number[][]);
      assert.deepEqual([tensor.dtype, tensor.shape], [dtype, shape]);
    }
  });

  it('has the inferred dtype as its type', () => {
    const types: [Tensor<'float32'>, Tensor<'int64'>, Tensor<'bool'>, Tensor<'float64'>] = [
      Tensor.from([[[1]], [[2]]]),
      Tensor.from([[1n]]),
      Tensor.from([[true], [false]]),
      Tensor.from([new Float64Array(1)]),
    ];
    assert.equal(types.length, 4);
  });

  it('concatenates typed arrays, such as embeddings', () => {
    const rows = [Float32Array.of(1, 2), new Float32Array([0, 3, 4, 0]).subarray(1, 3)];
    using tensor = Tensor.from(rows);
    assert.deepEqual([tensor.shape, tensor.dataSync()], [[2, 2], Float32Array.of(1, 2, 3, 4)]);
    using bits = Tensor.from([Uint16Array.of(0x3c00)], undefined, 'float16');
    assert.equal(String(bits), 'tensor([[1.]], dtype=torch.float16)');
    using words = Tensor.from([Uint16Array.of(0x3c00)], undefined, 'uint16');
    assert.deepEqual(words.dataSync(), Uint16Array.of(0x3c00));
  });

  it('accepts a shape with as many elements', () => {
    using tensor = Tensor.from(
      [
        [1, 2],
        [3, 4],
      ],
      [4, 1],
    );
    assert.deepEqual([tensor.shape, tensor.dataSync()], [[4, 1], Float32Array.of(1, 2, 3, 4)]);
    assert.throws(() => Tensor.from([[1, 2]], [3]), TensorError);
  });

  it('names the index of an array of another length', () => {
    for (const [data, what] of [
      [
        [[1, 2], [3]],
        'Expected an array of 2, the length of data[0], for data[1], but received an array of 1.',
      ],
      [
        [
          [[1], [2]],
          [[3], [4, 5]],
        ],
        'Expected an array of 1, the length of data[0][0], for data[1][1], but received an array of 2.',
      ],
      [
        [[[1], [2]], [[3]]],
        'Expected an array of 2, the length of data[0], for data[1], but received an array of 1.',
      ],
      [
        [[1], 2],
        'Expected an array of 1, the length of data[0], for data[1], but received 2 of type number.',
      ],
      [
        [[1], , [2]], // eslint-disable-line no-sparse-arrays
        'Expected an array of 1, the length of data[0], for data[1], but received undefined.',
      ],
      [
        [new Float32Array(2), new Float32Array(3)],
        'Expected an array of 2, the length of data[0], for data[1], but received an object of class Float32Array.',
      ],
      [
        [[new Float32Array(2)], new Float32Array(1)],
        'Expected an array of 1, the length of data[0], for data[1], but received an object of class Float32Array.',
      ],
    ] as unknown as [TensorData, string][]) {
      for (const dtype of [undefined, 'float32'] as const) {
        assert.throws(() => Tensor.from(data, undefined, dtype), {
          name: 'OptionError',
          code: 'ERR_SEMISUP_OPTION_VALUE',
          what,
        });
      }
    }
    assert.throws(() => Tensor.from([[1, 2], [3]], undefined, 'float16'), {
      what: /for data\[1\]/,
    });
  });

  it('names the index of an invalid element', () => {
    for (const [data, dtype, what] of [
      [
        [
          [1, 2],
          [3, '4'],
        ],
        undefined,
        `Expected a number or a bigint for data[1][1] of a float32 tensor, but received '4' of type string.`,
      ],
      [
        [[1], [[2]]],
        undefined,
        'Expected a number or a bigint for data[1][0] of a float32 tensor, but received an array of 1.',
      ],
      [
        [[1], [300]],
        'uint8',
        'Expected an integer from 0 to 255 for data[1][0] of a uint8 tensor, but received 300 of type number.',
      ],
      [
        [new Uint32Array(1), new Uint32Array([2 ** 31])],
        'int32',
        'Expected an integer from -2147483648 to 2147483647 for data[1][0] of a int32 tensor, but received 2147483648 of type number.',
      ],
      [
        [new Float32Array(1), new Float64Array(1)],
        undefined,
        'Expected a Float32Array or an array for the data of a float32 tensor, but received an object of class Float64Array.',
      ],
    ] as unknown as [TensorData, DType | undefined, string][]) {
      assert.throws(() => Tensor.from(data, undefined, dtype), { name: 'OptionError', what });
    }
  });

  it('rejects innermost arrays that are not pairs for a complex tensor', () => {
    assert.throws(() => Tensor.from([[1, 2, 3, 4]], undefined, 'complex64'), {
      name: 'TensorError',
      what: 'Expected the real and the imaginary part of each element of a complex64 tensor, but received arrays of 4 numbers.',
    });
  });

  it('rejects more than 64 levels, and cycles', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 64; i++) deep = [deep];
    assert.equal(Tensor.from(deep as number[][]).shape.length, 64);
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const data of [[deep], cycle] as number[][][]) {
      assert.throws(() => Tensor.from(data), {
        what: /^Expected at most 64 levels of arrays for the data of a tensor/,
      });
    }
  });

  it('rejects more elements than memory holds', () => {
    let data: unknown = [1];
    for (let i = 0; i < 60; i++) data = [data, data];
    assert.throws(() => Tensor.from(data as number[][]), TensorError);
  });

  it('rejects arrays that throw or change while they are read', () => {
    const throwing = new Proxy([1], {
      get: () => {
        throw new TypeError('not this');
      },
    });
    assert.throws(() => Tensor.from([[1], throwing]), OptionError);
    let reads = 0;
    const growing = new Proxy([1], {
      get: (target, key) =>
        (key === 'length' ? ++reads : (Reflect.get(target, key) ?? 1)) as number,
    });
    assert.throws(() => Tensor.from([growing, growing]), OptionError);
  });
});
