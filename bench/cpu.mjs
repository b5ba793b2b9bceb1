// Forwards on the CPU: semisup against its peers, with the same weights, input and threads.
//   node bench/cpu.mjs [--models a,b] [--batches 1,8] [--contenders a,b] [--rounds n] [--threads n]
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { difference } from './support/agreement.mjs';
import { startAll } from './support/contender.mjs';
import { writeInput } from './support/input.mjs';
import { physicalCores, printOrigin } from './support/machine.mjs';
import { modelFiles, withFolder } from './support/models.mjs';
import { onnxruntimeVersion } from './support/onnxruntime.mjs';
import { python, pythonVersions } from './support/python.mjs';
import { quantile } from './support/statistics.mjs';
import { compare, ratioColumns, takeTurns } from './support/turns.mjs';

const baseline = 'onnxruntime-node';
const warmUpRuns = 4;
const turnMs = 1000;
const [fewestRuns, mostRuns] = [2, 30];

/** How far logits may be from the plain ones, in parts of the largest; 1e-3 where nothing is said. */
const tolerances = { 'semisup-bfloat16': 5e-2, 'semisup-int8': Infinity };
/** Whose logits the others are compared with: the first of these that is there. */
const references = ['semisup-plain', 'pytorch-eager', baseline];

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

/** How each contender is started. */
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
    // Tuned anew, as what was kept may have been measured on a busy machine.
    'semisup-float32': semisup({ plan: 'tune' }),
    'semisup-bfloat16': semisup({ plan: 'tune', precision: 'bfloat16' }),
    'semisup-int8': semisup({ plan: 'tune', precision: 'int8' }),
    'semisup-plain': semisup({ plan: 'plain' }),
    [baseline]: [process.execPath, script('contender-onnxruntime.mjs'), onnx, input, threads],
    'pytorch-eager': inPython('eager'),
    'pytorch-compile': inPython('compile'),
    'pytorch-script': inPython('script', torchScript),
    'onnxruntime-python': inPython('onnxruntime'),
  };
  const wanted = options.contenders?.split(',') ?? Object.keys(all);
  const unknown = wanted.find((name) => !(name in all));
  if (unknown) throw new Error(`${unknown} is none of ${Object.keys(all).join(', ')}`);
  return Object.fromEntries(wanted.map((name) => [name, all[name]]));
}

/** Runs a batch size for the first time: tuning, compiling and the like are not measured. */
async function warmUp(contenders, batch) {
  const warm = new Map();
  for (const { name, ask } of contenders) {
    try {
      const answer = await ask({ batch, runs: warmUpRuns, logits: true });
      warm.set(name, answer);
      if (answer.plan) console.error(`${name}: ${JSON.stringify(answer.plan)}`);
    } catch (error) {
      console.error(`${name} is left out: ${error.message}`);
    }
  }
  return warm;
}

/** How far each contender's logits are from the reference's. */
function compareLogits(warm) {
  const reference = references.find((name) => warm.has(name));
  const differences = new Map();
  for (const [name, { logits }] of reference ? warm : []) {
    const apart = difference(logits, warm.get(reference).logits);
    // So that what is no number is wrong too.
    const wrong = !(apart <= (tolerances[name] ?? 1e-3));
    if (wrong) process.exitCode = 1;
    differences.set(name, apart.toExponential(1));
    console.error(
      `${name}: logits ${wrong ? 'DIFFER' : 'agree'}, ${differences.get(name)} of the largest from ${reference}`,
    );
  }
  return differences;
}

async function measure(model, batch, contenders) {
  console.error(`\n${model}, batch ${batch}, milliseconds`);
  const warm = await warmUp(contenders, batch);
  const differences = compareLogits(warm);
  const runs = (name) => {
    const fitting = Math.round(turnMs / warm.get(name).milliseconds.at(-1));
    return Math.min(Math.max(fitting, fewestRuns), mostRuns);
  };
  const taking = contenders.filter(({ name }) => warm.has(name));
  const measured = await takeTurns(taking, Number(options.rounds), async ({ name, ask }) => {
    // The first run wakes threads and fills caches.
    const { milliseconds } = await ask({ batch, runs: 1 + runs(name) });
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

printOrigin(`${options.threads} threads; ${onnxruntimeVersion()}; ${pythonVersions()}`);
console.log(
  'model,batch,contender,median ms,p10 ms,p90 ms,images/s,ratio,lowest ratio,highest ratio,difference',
);
await withFolder(async (folder) => {
  const input = writeInput(join(folder, 'input.f32'), Math.max(...batches));
  for (const model of options.models.split(',')) {
    const contenders = await startAll(commands(modelFiles(folder, model), input));
    for (const batch of batches) await measure(model, batch, contenders);
    await Promise.all(contenders.map((contender) => contender.close()));
  }
});
