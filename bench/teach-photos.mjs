// Cross-validates what `teach` learns of the kinds of objects on the 100 photos, against scikit-learn on the same embeddings,
// with the same C and the same folds, and how long the fits take.
//   npx tsc -p tsconfig.build.json && SEMISUP_BENCH_PYTHON=python3 node bench/teach-photos.mjs >> bench/results/teach.csv
// Options: --model resnet50_baseline, --rounds 5, --keep DIRECTORY for the embeddings, folds and labels that
// test/92.teach/fixtures/photo_groups.py reads. SEMISUP_BENCH_PHOTOS is the directory of the photos.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { require as requireTs } from 'tsx/cjs/api';
import { openDataset, teach } from '../lib/index.js';
import { assignFolds } from '../lib/teach/folds.js';
import { cachedFeatures } from './support/cached-features.mjs';
import { startAll } from './support/contender.mjs';
import { compare, interleave, ratioColumns } from './support/interleave.mjs';
import { printHeader } from './support/machine.mjs';
import { findPhotoNames, photos } from './support/photos.mjs';
import { python } from './support/python.mjs';

const { groupOf } = requireTs('../test/support/photo-groups.ts', import.meta.url);

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'resnet50_baseline' },
    rounds: { type: 'string', default: '5' },
    keep: { type: 'string' },
  },
});
const support = join(dirname(fileURLToPath(import.meta.url)), 'support');
const folder = mkdtempSync(join(tmpdir(), 'semisup-bench-'));

const list = join(folder, 'labels.txt');
writeFileSync(
  list,
  findPhotoNames()
    .map((name) => `${name}\t${groupOf(name)}\n`)
    .join(''),
);
const dataset = await openDataset(photos, { labels: list });
const taught = await teach(dataset, { model: values.model, out: join(folder, 'taught.pt') });
const all = await cachedFeatures(dataset);
const folds = assignFolds(all.photos, 5, 0);
if (values.keep) keep(values.keep);

const { c, evaluation, duration } = taught;
const { correct, total } = evaluation.top1;
printHeader(
  `${total} photos of ${all.classes} kinds of objects, ${all.dimensions} dimensions of ${values.model}, cross-validation in 5 folds`,
  `teach: ${correct} of ${total} by cross-validation, C ${c.toPrecision(4)}, selected among ${taught.regularizations.length} in ${duration.solve.toFixed(2)} s`,
);
console.log(
  'contender,C,cross-validated correct,NLL,iterations,median s of 5 fits,fastest s,slowest s,ratio to scikit-learn,lowest ratio,highest ratio',
);

/** Writes the embeddings and labels of a part of the photos. */
function writePart(directory, name, isIncluded) {
  const indices = [...folds.keys()].filter(isIncluded);
  const features = new Float32Array(indices.length * all.dimensions);
  for (const [row, i] of indices.entries()) {
    const start = i * all.dimensions;
    features.set(all.features.subarray(start, start + all.dimensions), row * all.dimensions);
  }
  writeFileSync(join(directory, `${name}.f32`), features);
  writeFileSync(
    join(directory, `${name}.i32`),
    Int32Array.from(indices, (i) => all.labels[i]),
  );
}

/** Writes what the script of the goldens reads. */
function keep(directory) {
  mkdirSync(directory, { recursive: true });
  writePart(directory, 'photos', () => true);
  const names = all.photos.map(({ name }) => basename(name));
  const classes = taught.metadata.labels;
  const facts = { c: taught.c, classes, names, folds, dimensions: all.dimensions };
  writeFileSync(join(directory, 'photos.json'), JSON.stringify(facts));
}

/** Starts the contenders that learn from all folds but one. */
async function startFold(fold) {
  const directory = join(folder, String(fold));
  mkdirSync(directory);
  const indices = [...folds.keys()];
  writePart(directory, 'train', (i) => folds[i] !== fold);
  writePart(directory, 'test', (i) => folds[i] === fold);
  const dimensions = String(all.dimensions);
  const started = await startAll({
    'scikit-learn': [python, join(support, 'teach_sklearn.py'), directory, dimensions],
    semisup: [
      ...[process.execPath, join(support, 'teach-semisup.mjs')],
      ...[directory, dimensions, String(all.classes)],
    ],
  });
  return { count: indices.filter((i) => folds[i] === fold).length, started };
}

/** The contenders and what is requested of them: of semisup also the precision that `teach` cross-validates with. */
const requests = {
  'scikit-learn': ['scikit-learn', { c }],
  semisup: ['semisup', { c, tolerance: 3e-4 }],
  'semisup to the optimum': ['semisup', { c }],
};

/** Prints the rows of the contenders: a measurement is the time of the fits of all folds. */
async function measure() {
  const parts = [];
  for (const fold of new Set(folds)) parts.push(await startFold(fold));
  const started = parts[0].started.map(({ name }) => name);
  const rows = Object.keys(requests).filter((row) => started.includes(requests[row][0]));
  const last = new Map();
  const measured = await interleave(
    rows.map((name) => ({ name })),
    Number(values.rounds),
    async ({ name }) => {
      const [process, body] = requests[name];
      const sums = { milliseconds: 0, correct: 0, nll: 0, iterations: 0 };
      for (const { count, started } of parts) {
        const response = await started.find((one) => one.name === process).request(body);
        sums.milliseconds += response.milliseconds[0];
        sums.correct += Math.round(response.accuracy * count);
        sums.nll += response.nll * count;
        sums.iterations += response.iterations;
      }
      last.set(name, sums);
      return [sums.milliseconds];
    },
  );
  for (const { started } of parts) await Promise.all(started.map((one) => one.close()));
  for (const [name, { correct, nll, iterations }] of last) {
    const own = measured.get(name);
    const { value, ratios } = compare(own, measured.get('scikit-learn'));
    const times = [value, Math.min(...own.flat()), Math.max(...own.flat())];
    const seconds = times.map((ms) => (ms / 1000).toFixed(3));
    const facts = [name, c.toPrecision(4), correct, (nll / total).toFixed(4), iterations];
    console.log([...facts, ...seconds, ...ratioColumns(ratios)].join(','));
  }
}

await measure();
rmSync(folder, { recursive: true });
