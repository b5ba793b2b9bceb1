import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { classFinder, readClassMap } from '../../src/dataset';
import { DatasetError } from '../../src/errors';
import { classes, classesOf } from '../../src/models';
import { temporaryDirectory } from '../support/temporary';

describe('the class that a label names', () => {
  const directory = temporaryDirectory();
  const rejects = (message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof DatasetError, String(error));
    assert.equal(error.code, 'ERR_SEMISUP_DATASET_LABEL');
    assert.match(error.message, message);
    return true;
  };

  it('is found by WordNet ID, label, lemma and index', () => {
    const classOf = classFinder(classes, 'resnet50_swsl');
    for (const [label, index] of [
      ['n01440764', 0],
      ['tench', 0],
      ['Tinca tinca', 0],
      ['golden_retriever', 207],
      ['Red-backed Sandpiper', 140],
      ['999', 999],
      ['0', 0],
    ] as const) {
      assert.equal(classOf(label), index, label);
    }
  });

  it('must exist and be unique', () => {
    const classOf = classFinder(classes, 'resnet50_swsl');
    assert.throws(() => classOf('crane'), rejects(/names several classes: n02012849, n03126707\./));
    assert.throws(() => classOf('1000'), rejects(/'1000' names no class of resnet50_swsl/));
    assert.throws(() => classOf('golden retreiver'), rejects(/Did you mean 'golden retriever'\?/));
    assert.throws(() => classOf('n00000000'), rejects(/names no class/));
    assert.throws(() => classOf('-1'), rejects(/names no class/));
  });

  it('is one of a model of the own', () => {
    const classOf = classFinder(classesOf({ labels: ['ant', 'bee', '0'], numClasses: 3 }), 'own');
    assert.deepEqual(['ant', 'BEE', '0', '1'].map(classOf), [0, 1, 2, 1]);
  });

  it('is given by a class map', async () => {
    const path = join(directory.path, 'map.txt');
    await writeFile(path, 'fish\ngold\n');
    const own = classesOf({ labels: ['tench', 'goldfish', 'shark'], numClasses: 3 });
    const classOf = await readClassMap(path, own, 'own');
    assert.deepEqual(['fish', 'gold'].map(classOf), [0, 1]);
    assert.throws(() => classOf('tench'), rejects(/'tench' names no class of .*map\.txt/));
    await writeFile(path, 'fish\n\ngold\n');
    await assert.rejects(readClassMap(path, own, 'own'), /has nothing on line 2/);
    await writeFile(path, 'fish\nfish\n');
    await assert.rejects(readClassMap(path, own, 'own'), /has the label 'fish' twice/);
    await writeFile(path, 'a\nb\nc\nd\n');
    await assert.rejects(readClassMap(path, own, 'own'), /has 4 lines, but own has 3 classes/);
  });
});
