import assert from 'node:assert/strict';
import { calibrateTemperature } from '../../src/teach/calibrate-temperature';
import { classNamesOf } from '../../src/learning/class-names';
import { weightsOf } from '../../src/teach/cross-validate';
import { assignFolds } from '../../src/teach/folds';
import { findLabelIssues } from '../../src/teach/label-issues';
import type { Photo } from '../../src/learning/read-photos';
import { DatasetError } from '../../src/errors';
import { Random } from '../support/random';

const photo = (label: string, content: string, name = `${label}/${content}.png`): Photo => ({
  ...{ name, label, sha256: content },
});

describe('folds', () => {
  const photos = [
    ...Array.from({ length: 23 }, (_, i) => photo('a', `a${i}`)),
    ...Array.from({ length: 7 }, (_, i) => photo('b', `b${i}`)),
    ...Array.from({ length: 2 }, (_, i) => photo('c', `c${i}`)),
  ];

  it('have about the same size, and the same number of each class', () => {
    const folds = assignFolds(photos, 5, 0);
    const sizes = (label?: string) =>
      [0, 1, 2, 3, 4].map(
        (fold) =>
          photos.filter((one, i) => folds[i] === fold && (label ?? one.label) === one.label).length,
      );
    for (const label of ['a', 'b', 'c', undefined]) {
      const counts = sizes(label);
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${label}: ${counts.join(', ')}`);
    }
  });

  it('keep identical images together', () => {
    const copies = [...photos, ...photos.map((one) => ({ ...one, name: `copy of ${one.name}` }))];
    const folds = assignFolds(copies, 5, 0);
    assert.deepEqual(folds.slice(photos.length), folds.slice(0, photos.length));
  });

  it('depend on the contents and the seed, not on the order', () => {
    const folds = assignFolds(photos, 5, 0);
    const reversed = assignFolds(photos.toReversed(), 5, 0);
    assert.deepEqual(reversed.toReversed(), folds);
    assert.notDeepEqual(assignFolds(photos, 5, 1), folds);
  });
});

describe('weights', () => {
  const samples = { labels: [0, 0, 0, 1], classes: 2, folds: [0, 1, 0, 1] };

  it('are 1, or those of scikit-learn for balanced classes', () => {
    assert.deepEqual([...weightsOf({ ...samples, isBalanced: false })], [1, 1, 1, 1]);
    const balanced = weightsOf({ ...samples, isBalanced: true });
    assert.deepEqual([...balanced], [2 / 3, 2 / 3, 2 / 3, 2]);
  });

  it('are those of the included samples alone', () => {
    const balanced = weightsOf({ ...samples, isBalanced: true }, (i) => i > 0);
    assert.deepEqual([...balanced], [0, 3 / 4, 3 / 4, 3 / 2]);
  });
});

describe('the temperature', () => {
  /** Logits whose softmax has these probabilities, and labels with these frequencies. */
  const calibrated = (probabilities: readonly number[], count: number) => ({
    labels: probabilities.flatMap((p, k) => Array<number>(Math.round(p * count)).fill(k)),
    row: probabilities.map(Math.log),
  });

  const calibrate = async (scale: number, weight = 1) => {
    const { labels, row } = calibrated([0.7, 0.2, 0.1], 10_000);
    const logits = Float64Array.from(labels.flatMap(() => row.map((one) => one * scale + 3)));
    const weights = new Float64Array(labels.length).fill(weight);
    return await calibrateTemperature(logits, labels, weights, undefined);
  };

  for (const scale of [0.01, 0.5, 1, 4, 100]) {
    it(`is ${scale} for calibrated logits multiplied by it`, async () => {
      // The smoothing of labels changes it by 1e-4.
      assert.ok(Math.abs((await calibrate(scale)) / scale - 1) < 1e-3);
    });
  }

  it('does not depend on the scale of the weights', async () => {
    assert.ok(Math.abs((await calibrate(2)) - (await calibrate(2, 7))) < 1e-12);
  });

  it('leaves a probability of about 1 / n for an error, if there are none', async () => {
    const labels = Array.from({ length: 100 }, (_, i) => i % 2);
    const logits = Float64Array.from(labels.flatMap((label) => [label === 0 ? 1 : 0, label]));
    const weights = new Float64Array(100).fill(1);
    const temperature = await calibrateTemperature(logits, labels, weights, undefined);
    const probability = 1 / (1 + Math.exp(1 / temperature));
    assert.ok(Math.abs(probability - 0.5 / 102) < 1e-9, String(probability));
  });

  it('is 1 for equal logits', async () => {
    const weights = new Float64Array(2).fill(1);
    assert.equal(await calibrateTemperature(new Float64Array(6), [0, 1], weights, undefined), 1);
  });

  it('is aborted', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const weights = new Float64Array(2).fill(1);
    const calibrating = calibrateTemperature(new Float64Array(6), [0, 1], weights, signal);
    await assert.rejects(calibrating, /^Error: enough$/);
  });
});

describe('label issues', () => {
  it('are found where labels were exchanged', () => {
    const random = new Random(3);
    const labels = Array.from({ length: 300 }, (_, i) => i % 3);
    const wrong = new Map([
      [10, 0],
      [100, 2],
      [200, 1],
    ]);
    const probabilities = Float64Array.from(
      labels.flatMap((actual, i) => {
        const right = wrong.has(i) ? 0.9 : 0.7 + 0.2 * random.next();
        return [0, 1, 2].map((k) => (k === actual ? right : (1 - right) / 2));
      }),
    );
    const given = labels.map((label, i) => wrong.get(i) ?? label);
    const names = labels.map((_, i) => `${i}.png`);
    const issues = findLabelIssues(probabilities, given, names, ['x', 'y', 'z']);
    assert.deepEqual(issues.map(({ name }) => name).toSorted(), ['10.png', '100.png', '200.png']);
    for (const { name, label, suggested } of issues) {
      const i = Number.parseInt(name);
      assert.deepEqual([label, suggested], ['xyz'[given[i]!], 'xyz'[labels[i]!]]);
    }
  });

  it('compare with the mean of each class, as in the paper', () => {
    // The means of their own probabilities are 0.8125 and 0.46875: of class y, only the last image reaches that of x.
    const x = [0.75, 0.875, 0.25, 0.8125];
    const probabilities = Float64Array.from(x.flatMap((one) => [one, 1 - one]));
    const [issue, ...more] = findLabelIssues(
      probabilities,
      [0, 0, 1, 1],
      ['a', 'b', 'c', 'd'],
      ['x', 'y'],
    );
    assert.deepEqual(more, []);
    assert.deepEqual(issue, {
      ...{
        name: 'd',
        label: 'y',
        suggested: 'x',
        probability: 0.1875,
        suggestedProbability: 0.8125,
      },
    });
  });
});

describe('the classes of a dataset', () => {
  const isError = (code: string, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof DatasetError, String(error));
    assert.equal(error.code, `ERR_SEMISUP_DATASET_${code}`);
    assert.match(error.message, message);
    return true;
  };
  const two = (label: string) => [photo(label, `${label}1`), photo(label, `${label}2`)];

  const namesOf = (photos: readonly Photo[], emptyClasses: readonly string[] = []) =>
    classNamesOf(
      { name: 'd', emptyClasses },
      new Set(photos.map(({ label }) => label)),
      photos,
      [],
    );

  it('are the labels, sorted', () => {
    assert.deepEqual(namesOf([...two('b'), ...two('a'), ...two('B')]), ['B', 'a', 'b']);
  });

  for (const [what, photos, empty, code, message] of [
    ['no images', [], [], 'CLASSES', /2 to 65536 classes in d, but received 0\. Put the images/],
    ['a single class', two('a'), [], 'CLASSES', /in d, but received only 'a'\. /],
    [
      'a class with one image',
      [...two('a'), ...two('b'), photo('c', 'c')],
      [],
      'CLASSES',
      /at least 2 different images .* of each class in d, but 'c' has 1\. Add images/,
    ],
    [
      'a class with one image and its copy',
      [...two('a'), photo('c', 'c'), photo('c', 'c', 'copy')],
      [],
      'CLASSES',
      /but 'c' has 1\. /,
    ],
    [
      'empty directories',
      [...two('a'), ...two('b')],
      ['c', 'd/e'],
      'CLASSES',
      /none in 'c', 'd\/e'\. Add images .*, or remove the directory\.$/,
    ],
    [
      'a name of two lines',
      [...two('a'), ...two('b\nc')],
      [],
      'CLASSES',
      /name of a class of d, but received 'b\?c'\. Rename/,
    ],
    [
      'identical images of two classes',
      [...two('a'), ...two('b'), photo('b', 'a2', 'b/copy.png')],
      [],
      'CONTRADICTION',
      /have two: a\/a2\.png \('a'\) and b\/copy\.png \('b'\)\. Remove the copy/,
    ],
  ] as const) {
    it(`reject ${what}`, () => {
      assert.throws(() => namesOf(photos, empty), isError(code, message));
    });
  }
});
