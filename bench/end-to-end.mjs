// From 100 JPEGs in memory to classes on the CPU: semisup against sharp and ONNX Runtime, and against
// Pillow and PyTorch. Besides latency, the event loop, memory and the time to the first answer.
//   node bench/end-to-end.mjs [--models a,b] [--rounds n] [--starts n] [--threads n]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { correlation } from './support/agreement.mjs';
import { startAll } from './support/contender.mjs';
import { physicalCores, printOrigin } from './support/machine.mjs';
import { modelFiles, withFolder } from './support/models.mjs';
import { onnxruntimeVersion } from './support/onnxruntime.mjs';
import { findPhotos } from './support/photos.mjs';
import { python, pythonVersions } from './support/python.mjs';
import { quantile } from './support/statistics.mjs';
import { compare, ratioColumns, takeTurns } from './support/turns.mjs';

const baseline = 'sharp + onnxruntime-node';
const pythonPeer = 'Pillow + PyTorch eager';
const leastCorrelation = 0.95;

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: 'resnet18,resnet50' },
    rounds: { type: 'string', default: '7' },
    starts: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(physicalCores()) },
  },
});

/** How each contender is started; `plan` says whether semisup tunes anew. */
function commands({ architecture, torchScript, onnx }, images, plan = 'auto') {
  const script = (name) => fileURLToPath(new URL(`support/${name}`, import.meta.url));
  const more = [images, options.threads];
  return {
    semisup: [process.execPath, script('images-semisup.mjs'), torchScript, ...more, plan],
    [baseline]: [process.execPath, script('images-onnxruntime.mjs'), onnx, ...more],
    [pythonPeer]: [python, script('images_python.py'), architecture, ...more],
  };
}

function print(model, name, measured, figure) {
  for (const [contender, rounds] of measured) {
    const compared = compare(rounds, measured.get(baseline), figure);
    const { value, ofRounds, ratios } = compared;
    const values = [value, Math.min(...ofRounds), Math.max(...ofRounds)];
    const columns = [...values.map((one) => one.toFixed(2)), ...ratioColumns(ratios)];
    console.log([model, name, contender, ...columns].join(','));
  }
}

/**
 * Whether the contenders see the same, though they resize in different ways. A network by formula may
 * prefer one class always; how much it does still tells the pictures apart.
 */
async function compareAnswers(contenders) {
  const seen = new Map();
  for (const { name, ask } of contenders) seen.set(name, (await ask({ measure: 'all' })).answers);
  const [[first, reference] = [], ...others] = seen;
  const scores = (answers) => answers.map(({ score }) => score);
  for (const [name, answers] of others) {
    const same = answers.filter(({ index }, i) => index === reference[i].index).length;
    const alike = correlation(scores(answers), scores(reference));
    if (!(alike > leastCorrelation)) process.exitCode = 1;
    console.error(
      `${name}: ${same} of ${answers.length} classes as ${first}, correlation of scores ${alike.toFixed(4)}`,
    );
  }
}

/** What a process takes until its first answer: the very first one, and those after it. */
async function measureStarts(model, files, images) {
  print(model, 'very first start to answer ms', (await startOften(1, files, images, 'tune')).ms);
  const { ms, MiB } = await startOften(Number(options.starts), files, images);
  print(model, 'start to first answer ms', ms);
  print(model, 'memory of first model MiB', MiB);
}

async function startOften(times, files, images, plan) {
  const [ms, MiB] = [new Map(), new Map()];
  for (let start = 1; start <= times; start++) {
    for (const contender of await startAll(commands(files, images, plan))) {
      await contender.close();
      const { name, ready } = contender;
      console.error(`start ${start}/${times}, ${name}: ${ready.milliseconds.toFixed(0)}`);
      append(ms, name, [ready.milliseconds]);
      append(MiB, name, [ready.MiB]);
    }
  }
  return { ms, MiB };
}

function append(map, key, value) {
  map.set(key, [...(map.get(key) ?? []), value]);
}

async function measure(model, contenders) {
  const inNode = contenders.filter(({ name }) => name !== pythonPeer);
  const turns = (measure, those = contenders, rounds = options.rounds) => {
    console.error(`\n${model}: ${measure}`);
    return takeTurns(those, Number(rounds), async ({ ask }) => (await ask({ measure })).values);
  };
  await compareAnswers(contenders);
  print(model, '100 images ms', await turns('all'));
  const latencies = await turns('each');
  print(model, 'one image p50 ms', latencies);
  print(model, 'one image p99 ms', latencies, (values) => quantile(values, 0.99));
  print(model, 'longest event-loop delay ms', await turns('delay', inNode));
  print(model, 'memory of another model MiB', await turns('another', contenders, 3));
}

await withFolder(async (folder) => {
  const { path, kind } = await findPhotos(folder);
  printOrigin(`${options.threads} threads; ${kind}; ${onnxruntimeVersion()}; ${pythonVersions()}`);
  console.log('model,figure,contender,value,lowest,highest,ratio,lowest ratio,highest ratio');
  for (const model of options.models.split(',')) {
    const files = modelFiles(folder, model);
    await measureStarts(model, files, path);
    const contenders = await startAll(commands(files, path));
    await measure(model, contenders);
    await Promise.all(contenders.map((contender) => contender.close()));
  }
});
