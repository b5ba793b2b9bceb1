// Compares CPU forwards of semisup with its peers, with the same weights, input and threads.
//   node bench/cpu.mjs [--models a,b] [--batches 1,8] [--contenders a,b] [--rounds n] [--threads n]
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { difference } from './support/agreement.mjs';
import { startAll } from './support/contender.mjs';
import { writeInput } from './support/input.mjs';
import { physicalCores, printHeader } from './support/machine.mjs';
import { modelFiles, withModelFolder } from './support/models.mjs';
import { onnxruntimeVersion } from './support/onnxruntime.mjs';
import { python, pythonVersions } from './support/python.mjs';
import { quantile } from './support/statistics.mjs';
import { compare, interleave, ratioColumns } from './support/interleave.mjs';

const baseline = 'onnxruntime-node';
const warmUpRuns = 4;
/** Target duration of a contender's share of a round. */
const roundMs = 1000;
const [minRuns, maxRuns] = [2, 30];

/** Permitted difference from the reference's logits, relative to the largest; 1e-3 by default. */
const tolerances = { 'semisup-bfloat16': 5e-2, 'semisup-int8': Infinity };
/** The contender that the others' logits are compared with: the first of these that runs. */
const references = ['semisup-interpreter', 'pytorch-eager', baseline];

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: 'resnet18,resnet50,resnext101_32x8d' },
    batches: { type: 'string', default: '1,8,32' },
    contenders: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: String(physicalCores()) },
  },
});
const batches = options.batches.split(',').map(Number);

/** The command that starts each contender. */
function commands({ architecture, torchScript, onnx }, input) {
  const script = (name) => fileURLToPath(new URL(`support/${name}`, import.meta.url));
  const { threads } = options;
  const semisup = (open) => [
    ...[process.execPath, script('contender-semisup.mjs')],
    ...[torchScript, input, threads, JSON.stringify(open)],
  ];
  const inPython = (kind, model = onnx) => [
    ...[python, script('contender_python.py')],
    ...[kind, architecture, model, input, threads],
  ];
  const all = {
    // A cached tuning may have been measured on a busy machine.
    'semisup-float32': semisup({ plan: 'tune' }),
    'semisup-bfloat16': semisup({ plan: 'tune', precision: 'bfloat16' }),
    'semisup-int8': semisup({ plan: 'tune', precision: 'int8' }),
    'semisup-interpreter': semisup({ plan: 'interpreter' }),
    [baseline]: [process.execPath, script('contender-onnxruntime.mjs'), onnx, input, threads],
    'pytorch-eager': inPython('eager'),
    'pytorch-compile': inPython('compile'),
    'pytorch-script': inPython('script', torchScript),
    'onnxruntime-python': inPython('onnxruntime'),
  };
  const wanted = options.contenders?.split(',') ?? Object.keys(all);
  const unknown = wanted.find((name) => !(name in all));
  if (unknown)
    throw new Error(`Expected one of ${Object.keys(all).join(', ')}, but received ${unknown}.`);
  return Object.fromEntries(wanted.map((name) => [name, all[name]]));
}

/** Runs a batch size for the first time, so that tuning and compilation are not measured. */
async function warmUp(contenders, batch) {
  const warm = new Map();
  for (const { name, request } of contenders) {
    try {
      const response = await request({ batch, runs: warmUpRuns, logits: true });
      warm.set(name, response);
      if (response.plan) console.error(`${name}: ${JSON.stringify(response.plan)}`);
    } catch (error) {
      console.error(`${name} is excluded: ${error.message}`);
    }
  }
  return warm;
}

/** The difference of each contender's logits from the reference's, by name. */
function compareLogits(warm) {
  const reference = references.find((name) => warm.has(name));
  const differences = new Map();
  for (const [name, { logits }] of reference ? warm : []) {
    const relative = difference(logits, warm.get(reference).logits);
    // Negated, because NaN fails every comparison.
    const isWrong = !(relative <= (tolerances[name] ?? 1e-3));
    if (isWrong) process.exitCode = 1;
    differences.set(name, relative.toExponential(1));
    console.error(
      `${name}: logits ${isWrong ? 'DIFFER' : 'agree'}, relative difference from ${reference} ${differences.get(name)}`,
    );
  }
  return differences;
}

async function measure(model, batch, contenders) {
  console.error(`\n${model}, batch ${batch}, milliseconds`);
  const warm = await warmUp(contenders, batch);
  const differences = compareLogits(warm);
  const runs = (name) => {
    const fitting = Math.round(roundMs / warm.get(name).milliseconds.at(-1));
    return Math.min(Math.max(fitting, minRuns), maxRuns);
  };
  const participants = contenders.filter(({ name }) => warm.has(name));
  const measured = await interleave(participants, Number(options.rounds), async (contender) => {
    const { name, request } = contender;
    // The first run wakes threads and fills caches.
    const { milliseconds } = await request({ batch, runs: 1 + runs(name) });
    return milliseconds.slice(1);
  });
  for (const [name, rounds] of measured) {
    const { value, ratios } = compare(rounds, measured.get(baseline));
    const all = rounds.flat();
    const ms = [value, quantile(all, 0.1), quantile(all, 0.9)].map((one) => one.toFixed(2));
    const perSecond = ((1000 * batch) / value).toFixed(1);
    const row = [model, batch, name, ...ms, perSecond, ...ratioColumns(ratios)];
    console.log([...row, differences.get(name) ?? ''].join(','));
  }
}

printHeader(`${options.threads} threads; ${onnxruntimeVersion()}; ${pythonVersions()}`);
console.log(
  'model,batch,contender,median ms,p10 ms,p90 ms,images/s,ratio,lowest ratio,highest ratio,difference',
);
await withModelFolder(async (folder) => {
  const input = writeInput(join(folder, 'input.f32'), Math.max(...batches));
  for (const model of options.models.split(',')) {
    const contenders = await startAll(commands(modelFiles(folder, model), input));
    for (const batch of batches) await measure(model, batch, contenders);
    await Promise.all(contenders.map((contender) => contender.close()));
  }
});
