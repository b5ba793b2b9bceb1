import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toCsv } from '../../src/evaluate/csv';
import { compareEvaluations, summarize, type Evaluation } from '../../src/evaluate/evaluation';
import { toAnswer, type PictureResult } from '../../src/evaluate/picture-result';
import { mcnemarTest, proportion } from '../../src/evaluate/statistics';
import { classesOf, type ModelMetadata } from '../../src/models';

interface Golden {
  readonly labels: number[];
  readonly logits: number[][];
  readonly top1: number;
  readonly top5: number;
  readonly interval: [number, number];
  readonly nll: number;
  readonly ece: number;
  readonly precision: number[];
  readonly recall: number[];
  readonly f1: number[];
  readonly macro: [number, number, number];
  readonly mcnemar: { first: number; second: number; p: number }[];
}

// fixtures/metrics.py wrote it.
const golden = JSON.parse(
  readFileSync(join(__dirname, 'fixtures', 'metrics.json'), 'utf8'),
) as Golden;

const near = (actual: number, expected: number, tolerance = 1e-12) => {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not near ${expected}`);
};

const metadata: ModelMetadata = {
  ...{ name: 'a "b", c', architecture: null, stride: null, numClasses: 7, head: null },
  ...{ labels: ['a', 'b', 'c', 'd', 'e', 'f', 'g'], license: null, source: null },
  transform: { resize: 256, crop: 224, mean: [0, 0, 0], std: [1, 1, 1] },
};

const summarizeResults = (results: PictureResult[]): Evaluation =>
  summarize(metadata, classesOf(metadata), results, {
    ...{ unreadable: [], unlabeled: [], excluded: [] },
    ...{ views: 'center', temperature: 1, throughput: NaN },
  });

const results = golden.labels.map((label, i) => ({
  name: `${i}.jpg`,
  ...toAnswer([label], Float32Array.from(golden.logits[i]!)),
}));

describe('the metrics of an evaluation', () => {
  const evaluation = summarizeResults(results);

  it("are scikit-learn's", () => {
    assert.equal(evaluation.top1.correct, golden.top1);
    assert.equal(evaluation.top5.correct, golden.top5);
    near(evaluation.nll, golden.nll, 1e-9);
    near(evaluation.calibration.ece, golden.ece, 1e-9);
    for (const scores of evaluation.classes) {
      const { index } = scores.class;
      near(scores.recall || 0, golden.recall[index]!);
      near(scores.precision || 0, golden.precision[index]!);
      near(scores.f1, golden.f1[index]!);
    }
    const { precision, recall, f1 } = evaluation.macro;
    for (const [i, value] of [precision, recall, f1].entries()) near(value, golden.macro[i]!);
  });

  it('include Wilson intervals', () => {
    const [low, high] = evaluation.top1.interval;
    near(low, golden.interval[0]);
    near(high, golden.interval[1]);
    assert.deepEqual(proportion(0, 10).interval[0], 0);
    assert.deepEqual(proportion(10, 10).interval[1], 1);
  });

  it('include a bin for each range of scores', () => {
    const { bins } = evaluation.calibration;
    assert.equal(bins.length, 15);
    assert.equal(
      bins.reduce((sum, { count }) => sum + count, 0),
      results.length,
    );
    for (const { lower, upper, count, confidence } of bins) {
      if (count > 0) assert.ok(confidence > lower && confidence <= upper);
    }
  });

  it('list the confused pairs, those of most images first', () => {
    const { confusions } = evaluation;
    const wrong = results.length - golden.top1;
    assert.equal(
      confusions.reduce((sum, { images }) => sum + images.length, 0),
      wrong,
    );
    const counts = confusions.map(({ images }) => images.length);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => b - a),
    );
    const [first] = confusions;
    const expected = results.filter(
      ({ labels, classes }) =>
        labels[0] === first!.class.index && classes[0] === first!.predicted.index,
    );
    assert.deepEqual(
      first!.images,
      expected.map(({ name }) => name),
    );
  });

  it("compare models by McNemar's exact test", () => {
    for (const { first, second, p } of golden.mcnemar) {
      near(mcnemarTest(first, second).pValue, p, 1e-12 + 1e-9 * p);
    }
    assert.equal(mcnemarTest(0, 0).pValue, 1);
    const wrong = results.map((result, i) => (i < 20 ? { ...result, classes: [6] } : result));
    const { onlyFirst, onlySecond } = compareEvaluations(evaluation, summarizeResults(wrong));
    const lost = results.slice(0, 20).filter(({ labels, classes }) => labels[0] === classes[0]);
    assert.deepEqual([onlyFirst, onlySecond], [lost.length, 0]);
  });

  it("are written as CSV in timm's columns", () => {
    const [head, row] = toCsv([evaluation]).split('\n');
    assert.equal(
      head,
      'model,top1,top1_err,top5,top5_err,param_count,img_size,crop_pct,interpolation',
    );
    const [top1, top5] = [golden.top1, golden.top5].map((count) => (count / 3).toFixed(3));
    const [error1, error5] = [golden.top1, golden.top5].map((n) => ((300 - n) / 3).toFixed(3));
    assert.equal(row, `"a ""b"", c",${top1},${error1},${top5},${error5},,224,0.875,bilinear`);
  });
});

describe('the answer for an image', () => {
  it('accepts any of several right classes', () => {
    const answer = toAnswer([1, 2], new Float32Array([3, 1, 2, 0]));
    const sum = Math.exp(3) + Math.exp(1) + Math.exp(2) + 1;
    near(answer.nll, -Math.log((Math.exp(1) + Math.exp(2)) / sum));
    assert.deepEqual(answer.classes, [0, 2, 1, 3]);
  });

  it('distributes the probability over the valid classes only', () => {
    const answer = toAnswer([2], new Float32Array([9, 1, 2, 8]), [1, 2]);
    assert.deepEqual(answer.classes, [2, 1]);
    near(answer.scores[0]!, Math.exp(2) / (Math.exp(1) + Math.exp(2)));
    near(answer.nll, -Math.log(answer.scores[0]!));
  });

  it('has a finite likelihood for a class of probability 0', () => {
    near(toAnswer([1], new Float32Array([0, -2000])).nll, 2000);
  });

  it('prefers the first of equal classes', () => {
    assert.deepEqual(
      toAnswer([0], new Float32Array([1, 1, 1, 1, 1, 1, 1])).classes,
      [0, 1, 2, 3, 4],
    );
  });
});
