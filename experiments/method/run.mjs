// The method of Yalniz et al. (2019) on a small scale: a teacher of a few labeled images, a student of the images that it
// selects from a pool, and the supervised baseline that processes as many images. Writes a row for each seed and condition
// to standard output; what is complete is kept in --run-dir, so that an interrupted run goes on; use another one for other data.
//   node experiments/method/run.mjs --data DIR [--seeds 0,1,2,3,4] [--run-dir DIR] [--short] [--threads n] [--precision p]
// DIR has the directories train and test, each with a directory for each class.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  Classifier,
  evaluate,
  finetune,
  openDataset,
  pretrain,
  scorePool,
  selectImages,
  teach,
} from 'semisup';
import { divide } from './data.mjs';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string' },
    seeds: { type: 'string', default: '0,1,2,3,4' },
    'run-dir': { type: 'string', default: 'experiments/method/runs' },
    short: { type: 'boolean', default: false },
    threads: { type: 'string' },
    precision: { type: 'string', default: 'float32' },
  },
});

const labeledPerClass = 100;
/** Of the skewed pool: the images of its rarest class, relative to the most frequent one. */
const rarest = 1 / 30;
const classesPerImage = 10;
/** The images that a student processes, and of these those of fine-tuning. */
const budget = options.short
  ? { pretrain: 9000, finetune: 2000 }
  : { pretrain: 40_000, finetune: 10_000 };
/** The images of each class that are selected. The paper's 16,000 of 100,000 are 144 of 900. */
const selections = options.short ? [144] : [48, 144, 432, 1296];
const selectedOfSkewed = 144;
/** A teacher with more capacity, which was trained on ImageNet: a last layer is fitted to its embeddings. */
const strongTeacher = { model: 'resnet50_baseline', size: 128, imagesPerClass: 432 };

const common = {
  ...{ size: 32, augment: { crop: 'pad' }, validation: 0, device: 'cpu', batchSize: 64 },
  ...{ weightDecay: 5e-4, precision: options.precision },
  threads: options.threads && Number(options.threads),
};
/** From random weights, and from those of the pre-training. */
const rates = { scratch: 0.05, tuned: 0.01 };
/** The images that the warm-up of a training from random weights processes. */
const warmup = 1000;

const [train, test] = await Promise.all(
  ['train', 'test'].map((part) => openDataset(join(options.data, part))),
);
console.log('seed,condition,stage,imagesPerClass,pairs,precision,correct,total');
for (const seed of options.seeds.split(',').map(Number)) await runSeed(seed);

async function runSeed(seed) {
  const name = [options.short ? 'short' : 'seed', seed, options.precision].join('-');
  const directory = resolve(options['run-dir'], name);
  mkdirSync(directory, { recursive: true });
  const file = (name) => join(directory, name);
  const { classes, labels, ...sets } = await divide(train, seed, labeledPerClass, rarest);
  const labeledCount = sets.labeled.size;
  const epochsOf = (images, size) => Math.max(1, Math.round(images / size));
  const settings = { ...common, seed };

  /** Does something once, and keeps the rows. */
  const once = async (name, work) => {
    const path = file(`${name}.json`);
    if (!existsSync(path)) {
      writeFileSync(`${path}.tmp`, JSON.stringify(await work()));
      renameSync(`${path}.tmp`, path);
    }
    for (const row of JSON.parse(readFileSync(path, 'utf8'))) {
      console.log([seed, ...row].map((value) => value ?? '').join(','));
    }
  };
  const judge = async (model) => {
    const classifier = await openClassifier(model);
    try {
      const { top1 } = await evaluate(classifier, test);
      return [top1.correct, top1.total];
    } finally {
      await classifier.close();
    }
  };
  const trainSupervised = async (name, images) => {
    const out = file(`${name}.pt`);
    const epochs = epochsOf(images, labeledCount);
    await finetune(sets.labeled, {
      ...{ ...settings, lr: rates.scratch, warmupEpochs: warmup / labeledCount },
      ...{ model: 'resnet18', out, epochs },
    });
    return [[name, 'supervised', null, null, null, ...(await judge(out))]];
  };
  const trainStudent = async (name, pool, selection) => {
    const precision = precisionOf(selection, classes, labels);
    const student = file(`${name}-pretrained.pt`);
    const epochs = epochsOf(budget.pretrain, selection.size);
    await pretrain(selection, {
      ...{ ...settings, lr: rates.scratch, warmupEpochs: warmup / selection.size },
      schedule: 'cosine',
      ...{ model: 'resnet18', out: student, epochs, pool, classes },
    });
    const row = (stage, result) => [
      ...[name, stage, selection.imagesPerClass, selection.size, precision, ...result],
    ];
    const before = await judge(student);
    const out = file(`${name}.pt`);
    await finetune(sets.labeled, {
      ...{ ...settings, lr: rates.tuned, model: student, out },
      epochs: epochsOf(budget.finetune, labeledCount),
    });
    return [row('pretrained', before), row('finetuned', await judge(out))];
  };

  await once('teacher', () => trainSupervised('teacher', budget.pretrain));
  await once('supervised', () => trainSupervised('supervised', budget.pretrain + budget.finetune));
  const score = async (teacher, pool, name) => {
    const out = file(`scores-${name}`);
    const classifier = await openClassifier(file(teacher));
    try {
      await scorePool(classifier, pool, { out, classesPerImage });
    } finally {
      await classifier.close();
    }
    return out;
  };
  const scores = await score('teacher.pt', sets.pool, 'pool');
  for (const imagesPerClass of selections) {
    await once(`student-${imagesPerClass}`, async () =>
      trainStudent(
        `student-${imagesPerClass}`,
        sets.pool,
        await selectImages(scores, { imagesPerClass }),
      ),
    );
  }
  if (options.short) return;
  const skewed = await score('teacher.pt', sets.skewed, 'skewed');
  for (const balanced of [true, false]) {
    const name = balanced ? 'skewed-balanced' : 'skewed-unbalanced';
    await once(name, async () =>
      trainStudent(
        name,
        sets.skewed,
        await selectImages(skewed, { imagesPerClass: selectedOfSkewed, balanced }),
      ),
    );
  }

  const { imagesPerClass, ...strong } = strongTeacher;
  await once('strong-teacher', async () => {
    const out = file('strong-teacher.pt');
    await teach(sets.labeled, { ...strong, out, threads: common.threads });
    return [['strong-teacher', 'supervised', null, null, null, ...(await judge(out))]];
  });
  await once('student-of-strong-teacher', async () => {
    const all = await score('strong-teacher.pt', sets.pool, 'strong');
    const selection = await selectImages(all, { imagesPerClass });
    return await trainStudent('student-of-strong-teacher', sets.pool, selection);
  });
}

async function openClassifier(path) {
  return await Classifier.open(path, { plan: 'untuned', device: 'cpu', threads: common.threads });
}

/** The share of pairs of image and class that are right. */
function precisionOf(selection, classes, labels) {
  let right = 0;
  for (const [index, name] of classes.entries()) {
    for (const { image } of selection.imagesOf(index)) right += Number(labels.get(image) === name);
  }
  return (right / selection.size).toFixed(4);
}
