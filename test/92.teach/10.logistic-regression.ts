import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tensor } from '../../src/native';
import { LogisticRegression, type Fit } from '../../src/torch';

interface GoldenFit {
  readonly c: number;
  readonly balanced: boolean;
  readonly weight: number[][];
  readonly intercept: number[];
  readonly objective: number;
}

interface GoldenCase {
  readonly name: string;
  readonly features: number[][];
  readonly labels: number[];
  readonly fits: GoldenFit[];
}

// fixtures/logistic_regression.py wrote it.
const { cases } = JSON.parse(
  readFileSync(join(__dirname, 'fixtures', 'logistic_regression.json'), 'utf8'),
) as { cases: GoldenCase[] };

const open = (features: number[][], labels: number[]) =>
  LogisticRegression.open(
    Tensor.from(Float32Array.from(features.flat()), [features.length, features[0]!.length]),
    Tensor.from(BigInt64Array.from(labels, BigInt)),
    Math.max(...labels) + 1,
  );

const sampleWeights = (labels: number[], balanced: boolean) => {
  const classes = Math.max(...labels) + 1;
  const count = (label: number) => labels.filter((one) => one === label).length;
  return Tensor.from(
    Float64Array.from(labels, (label) => (balanced ? labels.length / (classes * count(label)) : 1)),
  );
};

/** As scikit-learn has them: for two classes, the difference of their rows. */
const coefficientsOf = async ({ weight, intercept }: Fit) => {
  const [values, biases] = [await weight.data(), await intercept.data()];
  const dimensions = weight.shape[1]!;
  const rows = Array.from(biases, (bias, i) => [
    ...values.subarray(i * dimensions, (i + 1) * dimensions),
    bias,
  ]);
  return rows.length === 2 ? [rows[1]!.map((value, i) => value - rows[0]![i]!)] : rows;
};

const assertNear = (actual: number[], expected: number[], tolerance: number) => {
  assert.equal(actual.length, expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  const difference = Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!)));
  assert.ok(
    difference <= tolerance * scale,
    `differs by ${difference}, ${difference / scale} of the largest`,
  );
};

describe('logistic regression', () => {
  for (const { name, features, labels, fits } of cases) {
    it(`finds scikit-learn's optimum: ${name}`, async () => {
      const regression = await open(features, labels);
      for (const golden of fits) {
        const fit = await regression.fit({
          c: golden.c,
          sampleWeights: sampleWeights(labels, golden.balanced),
        });
        const expected = golden.weight.flatMap((row, i) => [...row, golden.intercept[i]!]);
        assertNear((await coefficientsOf(fit)).flat(), expected, 1e-5);
        assertNear([fit.objective], [golden.objective], 1e-10);
        assert.ok(fit.gradient < 1e-6, `the gradient is ${fit.gradient}`);
      }
      await regression.close();
    });
  }

  const { features, labels } = cases[0]!;

  it('finds the same optimum from another start, in fewer evaluations', async () => {
    const regression = await open(features, labels);
    const weights = sampleWeights(labels, false);
    const cold = await regression.fit({ c: 1, sampleWeights: weights });
    const near = await regression.fit({ c: 0.9, sampleWeights: weights });
    const warm = await regression.fit({ c: 1, sampleWeights: weights, start: near });
    const expected = (await coefficientsOf(cold)).flat();
    assertNear((await coefficientsOf(warm)).flat(), expected, 1e-5);
    assert.ok(warm.evaluations < cold.evaluations, `${warm.evaluations}, ${cold.evaluations}`);
    await regression.close();
  });

  it('leaves out samples of weight 0, and returns their logits', async () => {
    const kept = labels.map((_, i) => i % 3 !== 0);
    const whole = await open(features, labels);
    const part = await open(
      features.filter((_, i) => kept[i]!),
      labels.filter((_, i) => kept[i]!),
    );
    const weights = Tensor.from(Float64Array.from(kept, Number));
    const masked = await whole.fit({ c: 1, sampleWeights: weights });
    const count = kept.filter(Boolean).length;
    const ones = Tensor.from(new Float64Array(count).fill(1));
    const fit = await part.fit({ c: 1, sampleWeights: ones });
    const rows = await coefficientsOf(fit);
    assertNear((await coefficientsOf(masked)).flat(), rows.flat(), 1e-5);
    const logits = features.flatMap((x) =>
      rows.map((row) => x.reduce((sum, value, i) => sum + value * row[i]!, row.at(-1)!)),
    );
    assertNear([...(await masked.logits.data())], logits, 1e-5);
    await whole.close();
    await part.close();
  });

  it('is aborted between two evaluations', async () => {
    const regression = await open(features, labels);
    const controller = new AbortController();
    const request = { c: 1e6, sampleWeights: sampleWeights(labels, false) };
    const fitting = regression.fit({ ...request, signal: controller.signal });
    const reason = new Error('enough');
    controller.abort(reason);
    await assert.rejects(fitting, (error) => error === reason);
    // Waits for the thread.
    await regression.close();
  });
});
