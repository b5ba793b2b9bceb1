// Measures what `teach` learns from pictures, against scikit-learn on the same embeddings, and how long it takes.
//   npx tsc -p tsconfig.build.json && SEMISUP_BENCH_PYTHON=python3 node bench/teach.mjs --pictures cifar10 > bench/results/teach.csv
// Options: --pictures DIRECTORY with train/CLASS/ and test/CLASS/, --model resnet50_baseline, --rounds 5, --cs 0.001,1 (of
// fits, besides the one that is selected). Embeddings stay in the user's cache, so that only the first run computes them.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { libtorch, ScriptModule, teach } from '../lib/index.js';
import { calibrate, toAnswer } from '../lib/evaluate/index.js';
import { cachedFeatures } from './support/cached-features.mjs';
import { startAll } from './support/contender.mjs';
import { compare, interleave, ratioColumns } from './support/interleave.mjs';
import { printHeader } from './support/machine.mjs';
import { python } from './support/python.mjs';

const { values } = parseArgs({
  options: {
    pictures: { type: 'string', default: 'cifar10' },
    model: { type: 'string', default: 'resnet50_baseline' },
    rounds: { type: 'string', default: '5' },
    cs: { type: 'string', default: '0.001,1' },
  },
});
const { pictures, model } = values;
const support = join(dirname(fileURLToPath(import.meta.url)), 'support');
const folder = mkdtempSync(join(tmpdir(), 'semisup-bench-'));
const percent = (share) => (100 * share).toFixed(2);

const onProgress = ({ phase, done, total }) => {
  if (phase !== 'read' && done % 64 === 0) console.error(phase, done, total ?? '');
};
const taught = await teach(join(pictures, 'train'), {
  ...{ model, out: join(folder, 'taught.pt'), onProgress },
});
// For its embeddings alone.
await teach(join(pictures, 'test'), { model, out: join(folder, 'test.pt'), c: 0.001, onProgress });
const test = await writeFeatures('test');
const train = await writeFeatures('train');

const versions = python
  ? execFileSync(
      python,
      [
        '-c',
        'import sklearn, numpy; print("scikit-learn", sklearn.__version__, "NumPy", numpy.__version__)',
      ],
      { encoding: 'utf8' },
    ).trim()
  : 'no Python';
const { evaluation } = taught;
const written = await judgeWritten();
const [low, high] = evaluation.top1.interval;
printHeader(
  `${versions}; ${train.labels.length} pictures to learn from, ${test.labels.length} to test, ${train.dimensions} dimensions of ${model}`,
  `teach: cross-validated accuracy ${percent(evaluation.top1.share)} % (${percent(low)} to ${percent(high)}), ECE ${percent(evaluation.calibration.ece)} %, without the temperature ${percent(taught.uncalibratedEce)} %; C ${taught.c.toPrecision(4)}, temperature ${taught.temperature.toFixed(4)}`,
  `the written model on the test pictures: accuracy ${percent(written.accuracy)} %, ECE ${percent(written.ece)} %, without the temperature ${percent(written.uncalibratedEce)} %`,
  `cross-validation over ${taught.regularizations.length} values of C and the last fit: ${taught.duration.solve.toFixed(1)} s`,
  await measureThousand(),
);
console.log(
  'contender,C,test accuracy %,test NLL,iterations,median s,fastest s,slowest s,ratio to scikit-learn,lowest ratio,highest ratio',
);
for (const c of [taught.c, ...values.cs.split(',').map(Number)]) await measure(c);
rmSync(folder, { recursive: true });

/** Writes the embeddings and labels of a part for the contenders. */
async function writeFeatures(part) {
  const features = await cachedFeatures(join(pictures, part));
  writeFileSync(join(folder, `${part}.f32`), features.features);
  writeFileSync(join(folder, `${part}.i32`), features.labels);
  return features;
}

/** What the last layer of the written file recognizes by the embeddings of the test pictures. */
async function judgeWritten() {
  const module = await ScriptModule.load(taught.path, { device: 'cpu' });
  const { 'fc.weight': weight, 'fc.bias': bias } = await module.parameters();
  const [w, b] = [await weight.data(), await bias.data()];
  await module.close();
  const { features, labels, dimensions } = test;
  const answers = (temperature) =>
    Array.from(labels, (label, i) => {
      const logits = Float32Array.from(b, (one, k) => {
        let sum = one;
        for (let j = 0; j < dimensions; j++)
          sum += w[k * dimensions + j] * features[i * dimensions + j];
        return sum;
      });
      return toAnswer([label], logits, undefined, temperature);
    });
  const calibrated = answers(1);
  return {
    accuracy: calibrated.filter((one, i) => one.classes[0] === labels[i]).length / labels.length,
    ece: calibrate(calibrated).ece,
    uncalibratedEce: calibrate(answers(1 / taught.temperature)).ece,
  };
}

/** The time for 100 pictures of each class, with an empty cache. */
async function measureThousand() {
  const directory = join(folder, 'thousand');
  for (const name of readdirSync(join(pictures, 'train'))) {
    mkdirSync(join(directory, name), { recursive: true });
    for (const file of readdirSync(join(pictures, 'train', name))
      .sort()
      .slice(0, 100)) {
      cpSync(join(pictures, 'train', name, file), join(directory, name, file));
    }
  }
  const { dir } = await libtorch.find();
  const { XDG_CACHE_HOME, SEMISUP_LIBTORCH } = process.env;
  Object.assign(process.env, { XDG_CACHE_HOME: join(folder, 'cache'), SEMISUP_LIBTORCH: dir });
  const began = performance.now();
  const { duration, embedded } = await teach(directory, {
    model,
    out: join(folder, 'x.pt'),
    onProgress,
  });
  const total = (performance.now() - began) / 1000;
  for (const [name, value] of Object.entries({ XDG_CACHE_HOME, SEMISUP_LIBTORCH })) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  return `${embedded} pictures, none cached: ${total.toFixed(1)} s, of which embedding ${duration.embed.toFixed(1)} s, cross-validation and fit ${duration.solve.toFixed(1)} s`;
}

/** Prints the rows of the contenders for one C. */
async function measure(c) {
  const contenders = await startAll({
    'scikit-learn': [python, join(support, 'teach_sklearn.py'), folder, String(train.dimensions)],
    semisup: [
      ...[process.execPath, join(support, 'teach-semisup.mjs')],
      ...[folder, String(train.dimensions), String(train.classes)],
    ],
  });
  const last = new Map();
  const measured = await interleave(
    contenders,
    Number(values.rounds),
    async ({ name, request }) => {
      const response = await request({ c });
      last.set(name, response);
      return response.milliseconds;
    },
  );
  await Promise.all(contenders.map((contender) => contender.close()));
  for (const { name } of contenders) {
    const own = measured.get(name);
    const { value, ratios } = compare(own, measured.get('scikit-learn'));
    const { accuracy, nll, iterations } = last.get(name);
    const all = own.flat();
    const seconds = [value, Math.min(...all), Math.max(...all)].map((ms) => (ms / 1000).toFixed(2));
    const facts = [name, c.toPrecision(4), percent(accuracy), nll.toFixed(4), iterations];
    console.log([...facts, ...seconds, ...ratioColumns(ratios)].join(','));
  }
}
