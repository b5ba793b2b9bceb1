import assert from 'node:assert/strict';
import { Tensor } from '../../src/native';
import { decodeTensor, goldens } from '../support/torchscript';

describe('Tensor.toString', () => {
  for (const { tensor: encoded, text } of goldens.printed) {
    const { dtype, shape } = encoded;
    const excerpt = text.replaceAll(/\s+/g, ' ').slice(0, 50);
    it(`matches PyTorch: ${dtype} [${shape.join(', ')}] ${excerpt}`, () => {
      using tensor = decodeTensor(encoded);
      assert.equal(String(tensor), text);
    });
  }

  it('prints the edges of all dimensions of a large tensor', () => {
    using tensor = Tensor.from(new Float32Array(7 ** 7), Array<number>(7).fill(7));
    assert.equal(String(tensor).match(/0\./g)?.length, 6 ** 7);
  });

  it('does not wrap a tensor with 64 dimensions', () => {
    using tensor = Tensor.from([1], Array<number>(64).fill(1));
    assert.equal(
      String(tensor).replaceAll(/\s/g, ''),
      `tensor(${'['.repeat(64)}1.${']'.repeat(64)})`,
    );
  });
});
