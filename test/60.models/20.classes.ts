import assert from 'node:assert/strict';
import { classes, classesOf } from '../../src/models';

describe('classes', () => {
  it('are 1000 with unique WordNet IDs', () => {
    assert.equal(classes.length, 1000);
    assert.equal(new Set(classes.map(({ wnid }) => wnid)).size, 1000);
    for (const [position, { index, wnid, label, lemmas }] of classes.entries()) {
      assert.equal(index, position);
      assert.match(wnid, /^n\d{8}$/);
      assert.equal(label, lemmas[0]);
      assert.ok(label.length > 0);
    }
  });

  it('are in the order of the logits', () => {
    assert.deepEqual(classes[0], {
      index: 0,
      wnid: 'n01440764',
      label: 'tench',
      lemmas: ['tench', 'Tinca tinca'],
    });
    assert.equal(classes[340]!.label, 'zebra');
    assert.equal(classes[999]!.wnid, 'n15075141');
  });

  it('are labeled by their index for a custom head', () => {
    assert.deepEqual(classesOf({ labels: null, numClasses: 2 }), [
      { index: 0, wnid: '', label: 'class 0', lemmas: [] },
      { index: 1, wnid: '', label: 'class 1', lemmas: [] },
    ]);
    assert.equal(classesOf({ labels: 'imagenet1k', numClasses: 1000 }), classes);
  });
});
