import assert from 'node:assert/strict';
import { Tensor } from '../../src/torch';
import { decodeTensor, goldens } from '../support/torchscript';

describe('a printed tensor', () => {
  for (const { tensor: encoded, text } of goldens.printed) {
    const { dtype, shape } = encoded;
    const shown = text.replaceAll(/\s+/g, ' ').slice(0, 50);
    it(`is as PyTorch prints it: ${dtype} [${shape.join(', ')}] ${shown}`, () => {
      using tensor = decodeTensor(encoded);
      assert.equal(String(tensor), text);
    });
  }

  it('may show very many elements', () => {
    using tensor = Tensor.from(new Float32Array(7 ** 7), Array<number>(7).fill(7));
    assert.equal(String(tensor).match(/0\./g)?.length, 6 ** 7);
  });

  it('is no longer for having many dimensions', () => {
    using tensor = Tensor.from([1], Array<number>(64).fill(1));
    assert.equal(
      String(tensor).replaceAll(/\s/g, ''),
      `tensor(${'['.repeat(64)}1.${']'.repeat(64)})`,
    );
  });
});
