import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { memory, Tensor } from '../../src/native';
import { decodeTensor, goldens, loadFixture } from '../support/torchscript';

describe('console.log of a tensor', () => {
  for (const { tensor: encoded, text } of goldens.printed) {
    const { dtype, shape } = encoded;
    const excerpt = text.replaceAll(/\s+/g, ' ').slice(0, 50);
    it(`prints the elements as PyTorch does: ${dtype} [${shape.join(', ')}] ${excerpt}`, () => {
      using tensor = decodeTensor(encoded);
      const elements = text.replace(/(,\s+(size|dtype)=.*)?\)$/, '').replace('tensor', 'Tensor');
      const suffixes = [`shape=[${shape.join(', ')}]`, `dtype='${dtype}'`, `device='cpu'`];
      const printed = inspect(tensor);
      assert.equal(printed.slice(0, elements.length), elements);
      assert.deepEqual(printed.slice(elements.length).split(/,\s+(?=\w+=)/), [
        '',
        ...suffixes.slice(0, 2),
        `${suffixes[2]!})`,
      ]);
    });
  }

  it('breaks lines like PyTorch', () => {
    using tensor = Tensor.from([
      [1, 2],
      [3.5, -4],
    ]);
    assert.equal(
      inspect(tensor),
      `Tensor([[ 1.0000,  2.0000],\n        [ 3.5000, -4.0000]], shape=[2, 2], dtype='float32', device='cpu')`,
    );
    assert.equal(
      inspect({ logits: [tensor] }),
      `{\n  logits: [\n    Tensor([[ 1.0000,  2.0000],\n            [ 3.5000, -4.0000]], shape=[2, 2], dtype='float32', device='cpu')\n  ]\n}`,
    );
    using wide = Tensor.from(Array<number>(14).fill(0.5));
    assert.equal(
      inspect(wide),
      `Tensor([${Array(9).fill('0.5000').join(', ')},\n        ${Array(5).fill('0.5000').join(', ')}], shape=[14], dtype='float32',\n       device='cpu')`,
    );
  });

  it('says that a tensor is disposed', () => {
    const tensor = Tensor.from([1, 2], [2, 1], 'int8');
    tensor.dispose();
    assert.equal(inspect(tensor), `Tensor(disposed, shape=[2, 1], dtype='int8', device='cpu')`);
  });

  it('prints no elements if they are not on the CPU', async () => {
    await using module = await loadFixture('tensors');
    using meta = await module.forward('meta');
    assert.equal(inspect(meta), `Tensor(..., shape=[2, 2], dtype='float32', device='meta')`);
  });

  it('reads only the elements that it prints, and keeps none', async () => {
    await using module = await loadFixture('tensors');
    using huge = await module.forward('huge');
    using hugeComplex = await module.forward('huge complex');
    const before = memory().tensors;
    assert.equal(
      inspect(huge),
      `Tensor([3., 3., 3.,  ..., 3., 3., 3.], shape=[1125899906842624],\n       dtype='float32', device='cpu')`,
    );
    assert.equal(
      String(hugeComplex),
      'tensor([2.-4.j, 2.-4.j, 2.-4.j,  ..., 2.-4.j, 2.-4.j, 2.-4.j])',
    );
    assert.deepEqual(memory().tensors, before);
  });
});
