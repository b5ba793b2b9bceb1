// Summarizes the rows of run.mjs as a Markdown table: for each condition the mean accuracy over the seeds, and the mean
// difference to the supervised baseline of the same seed, with 95 % intervals (Student's t).
//   node experiments/method/summary.mjs results.csv
import { readFileSync } from 'node:fs';

/** The 97.5 % quantiles of Student's t with 1 to 9 degrees of freedom. */
const quantiles = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

const [header, ...lines] = readFileSync(process.argv[2], 'utf8').trim().split('\n');
const names = header.split(',');
const rows = lines
  .filter((line) => line !== header)
  .map((line) => Object.fromEntries(line.split(',').map((value, i) => [names[i], value])));
const accuracyOf = ({ correct, total }) => (100 * correct) / total;
const baseline = new Map(
  rows
    .filter(({ condition }) => condition === 'supervised')
    .map((row) => [row.seed, accuracyOf(row)]),
);

function meanOf(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The mean with its interval. */
function describe(values, sign = '') {
  const mean = meanOf(values);
  const text = (mean > 0 ? sign : '') + mean.toFixed(1);
  if (values.length < 2) return text;
  const variance = meanOf(values.map((value) => (value - mean) ** 2));
  const error = Math.sqrt(variance / (values.length - 1));
  return `${text} ± ${(quantiles[values.length - 2] * error).toFixed(1)}`;
}

const groups = groupRows();
function groupRows() {
  const result = new Map();
  for (const row of rows) {
    const key = `${row.condition},${row.stage}`;
    result.set(key, [...(result.get(key) ?? []), row]);
  }
  return result;
}

console.log(
  '| condition | stage | pairs | precision | accuracy, % | to the baseline, points | seeds |',
);
console.log('|---|---|---:|---:|---:|---:|---:|');
for (const group of groups.values()) {
  const { condition, stage } = group[0];
  const mean = (name, digits) =>
    group[0][name] === '' ? '' : meanOf(group.map((row) => Number(row[name]))).toFixed(digits);
  const difference = group.map((row) => accuracyOf(row) - baseline.get(row.seed));
  const cells = [
    ...[condition, stage, mean('pairs', 0), mean('precision', 2), describe(group.map(accuracyOf))],
    ...[condition === 'supervised' ? '' : describe(difference, '+'), group.length],
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
