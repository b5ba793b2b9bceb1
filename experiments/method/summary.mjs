// Summarizes the rows of run.mjs as a Markdown table: the means over the seeds, and the mean difference to the supervised
// baseline of the same seed, with 95 % intervals (Student's t).
//   node experiments/method/summary.mjs results.csv
import { readFileSync } from 'node:fs';

/** The 97.5 % quantiles of Student's t with 1 to 9 degrees of freedom. */
const quantiles = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

// A row that occurs twice counts once.
const [header, ...lines] = new Set(readFileSync(process.argv[2], 'utf8').trim().split('\n'));
const names = header.split(',');
const rows = lines
  .filter((line) => line !== header)
  .map((line) => Object.fromEntries(line.split(',').map((value, i) => [names[i], value])));
const conditions = [...new Set(rows.map(({ condition }) => condition))];
const rowsOf = (condition, stage) =>
  rows.filter((row) => row.condition === condition && row.stage === stage);
const accuracyOf = ({ correct, total }) => (100 * correct) / total;
const baseline = new Map(
  rowsOf('supervised', 'supervised').map((row) => [row.seed, accuracyOf(row)]),
);

function meanOf(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The mean with its interval. */
function describe(values, sign = '') {
  if (values.length === 0) return '';
  const mean = meanOf(values);
  const text = (mean > 0 ? sign : '') + mean.toFixed(1);
  if (values.length === 1) return text;
  const quantile = quantiles[values.length - 2];
  if (quantile === undefined) throw new Error(`No quantile is known for ${values.length} seeds.`);
  const variance = meanOf(values.map((value) => (value - mean) ** 2));
  return `${text} ± ${(quantile * Math.sqrt(variance / (values.length - 1))).toFixed(1)}`;
}

console.log(
  '| condition | seeds | pairs | precision | before fine-tuning, % | accuracy, % | to the baseline, points |',
);
console.log('|---|---:|---:|---:|---:|---:|---:|');
for (const condition of conditions) {
  const before = rowsOf(condition, 'pretrained');
  const last = [...rowsOf(condition, 'finetuned'), ...rowsOf(condition, 'supervised')];
  if (last.length === 0) continue;
  const mean = (name, digits) =>
    before.length === 0 ? '' : meanOf(before.map((row) => Number(row[name]))).toFixed(digits);
  const difference = last
    .filter(({ seed }) => baseline.has(seed))
    .map((row) => accuracyOf(row) - baseline.get(row.seed));
  const cells = [
    ...[condition, last.length, mean('pairs', 0), mean('precision', 2)],
    ...[describe(before.map(accuracyOf)), describe(last.map(accuracyOf))],
    condition === 'supervised' ? '' : describe(difference, '+'),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

const [balanced, unbalanced] = ['skewed-balanced', 'skewed-unbalanced'].map(
  (condition) => new Map(rowsOf(condition, 'finetuned').map((row) => [row.seed, accuracyOf(row)])),
);
const gains = [...balanced]
  .filter(([seed]) => unbalanced.has(seed))
  .map(([seed, accuracy]) => accuracy - unbalanced.get(seed));
if (gains.length > 0) {
  console.log(
    `\nOf a skewed pool, balanced selection to unbalanced: ${describe(gains, '+')} points.`,
  );
}
