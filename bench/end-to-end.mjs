// Classifies 100 JPEGs in memory on the CPU: semisup against sharp with ONNX Runtime, and against Pillow
// with PyTorch. Measures latency, event-loop delay, memory and the time to the first result.
//   node bench/end-to-end.mjs [--models a,b] [--rounds n] [--starts n] [--threads n]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { correlation } from './support/agreement.mjs';
import { startAll } from './support/contender.mjs';
import { physicalCores, printHeader } from './support/machine.mjs';
import { modelFiles, withModelFolder } from './support/models.mjs';
import { onnxruntimeVersion } from './support/onnxruntime.mjs';
import { findPhotos } from './support/photos.mjs';
import { python, pythonVersions } from './support/python.mjs';
import { quantile } from './support/statistics.mjs';
import { compare, interleave, ratioColumns } from './support/interleave.mjs';

const baseline = 'sharp + onnxruntime-node';
const pythonPeer = 'Pillow + PyTorch eager';
const minCorrelation = 0.95;

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: 'resnet18,resnet50' },
    rounds: { type: 'string', default: '7' },
    starts: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(physicalCores()) },
  },
});

/** The command that starts each contender; `plan` is semisup's plan mode. */
function commands({ architecture, torchScript, onnx }, images, plan = 'auto') {
  const script = (name) => fileURLToPath(new URL(`support/${name}`, import.meta.url));
  const common = [images, options.threads];
  return {
    semisup: [process.execPath, script('images-semisup.mjs'), torchScript, ...common, plan],
    [baseline]: [process.execPath, script('images-onnxruntime.mjs'), onnx, ...common],
    [pythonPeer]: [python, script('images_python.py'), architecture, ...common],
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
 * Fails unless the contenders' scores correlate, although they resize differently. A network with
 * synthetic weights may predict the same class for every image; its scores still differ by image.
 */
async function comparePredictions(contenders) {
  const byContender = new Map();
  for (const { name, request } of contenders) {
    byContender.set(name, (await request({ measure: 'all' })).predictions);
  }
  const [[first, reference] = [], ...others] = byContender;
  const scores = (predictions) => predictions.map(({ score }) => score);
  for (const [name, predictions] of others) {
    const equal = predictions.filter(({ index }, i) => index === reference[i].index).length;
    const r = correlation(scores(predictions), scores(reference));
    if (!(r > minCorrelation)) process.exitCode = 1;
    console.error(
      `${name}: ${equal} of ${predictions.length} classes equal to ${first}, correlation of scores ${r.toFixed(4)}`,
    );
  }
}

/** Time and memory from process start to the first result, with and without a cached tuning. */
async function measureStarts(model, files, images) {
  print(
    model,
    'untuned start to first result ms',
    (await startRepeatedly(1, files, images, 'tune')).ms,
  );
  const { ms, MiB } = await startRepeatedly(Number(options.starts), files, images);
  print(model, 'start to first result ms', ms);
  print(model, 'memory of first model MiB', MiB);
}

async function startRepeatedly(times, files, images, plan) {
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
  const run = (measure, participants = contenders, rounds = options.rounds) => {
    console.error(`\n${model}: ${measure}`);
    return interleave(
      participants,
      Number(rounds),
      async ({ request }) => (await request({ measure })).values,
    );
  };
  await comparePredictions(contenders);
  print(model, '100 images ms', await run('all'));
  const latencies = await run('each');
  print(model, 'one image p50 ms', latencies);
  print(model, 'one image p99 ms', latencies, (values) => quantile(values, 0.99));
  print(model, 'longest event-loop delay ms', await run('delay', inNode));
  print(model, 'memory of another model MiB', await run('another', contenders, 3));
}

await withModelFolder(async (folder) => {
  const { path, kind } = await findPhotos(folder);
  printHeader(`${options.threads} threads; ${kind}; ${onnxruntimeVersion()}; ${pythonVersions()}`);
  console.log('model,figure,contender,value,lowest,highest,ratio,lowest ratio,highest ratio');
  for (const model of options.models.split(',')) {
    const files = modelFiles(folder, model);
    await measureStarts(model, files, path);
    const contenders = await startAll(commands(files, path));
    await measure(model, contenders);
    await Promise.all(contenders.map((contender) => contender.close()));
  }
});
