// Forwards on a GPU: semisup against PyTorch in Python, with the same weights and input, which lies on the
// GPU already; its answer stays there.
//   node bench/gpu.mjs [--cases model:batch:dtype,...] [--contenders a,b] [--rounds n]
// SEMISUP_BENCH_DEVICE=cpu tries the script itself, in float32 or bfloat16, where there is no GPU.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { difference } from './support/agreement.mjs';
import { startAll } from './support/contender.mjs';
import { writeInput } from './support/input.mjs';
import { printOrigin } from './support/machine.mjs';
import { torchScriptFile, withFolder } from './support/models.mjs';
import { gpuVersions, python } from './support/python.mjs';
import { quantile } from './support/statistics.mjs';
import { compare, ratioColumns, takeTurns } from './support/turns.mjs';

const own = 'semisup';
const baseline = 'pytorch-eager';
const warmUpRuns = 10;
const turnMs = 1000;
const [fewestRuns, mostRuns] = [5, 500];
/** Images that are given; a larger batch repeats them. */
const inputImages = 8;

/** Operations of a forward, two for each multiplication with its addition. */
const operations = {
  resnet18: 2 * 1.814e9,
  resnet50: 2 * 4.089e9,
  resnext50_32x4d: 2 * 4.23e9,
  resnext101_32x8d: 2 * 16.41e9,
  resnext101_32x16d: 2 * 36.25e9,
};
/** How far logits may be from eager PyTorch's in the same precision, in parts of the largest. */
const tolerances = { float32: 1e-3, tf32: 2e-2, float16: 3e-2, bfloat16: 1e-1 };

const { values: options } = parseArgs({
  options: {
    cases: {
      type: 'string',
      default: [
        ...['resnet50:1:float16', 'resnet50:32:bfloat16', 'resnet50:256:float16'],
        ...['resnet50:256:bfloat16', 'resnet50:1:float32', 'resnet50:32:float32'],
        ...['resnet50:256:float32', 'resnext101_32x16d:128:bfloat16'],
      ].join(),
    },
    contenders: { type: 'string' },
    rounds: { type: 'string', default: '5' },
  },
});

/** How each contender is started. Those that take minutes to compile a deep network must be asked for. */
function commands(architecture, torchScript, input, dtype) {
  const script = (name) => fileURLToPath(new URL(`support/${name}`, import.meta.url));
  const inPython = (kind) => [
    ...[python, script('contender_gpu_python.py')],
    ...[kind, architecture, input, dtype],
  ];
  const semisup = [process.execPath, script('contender-gpu-semisup.mjs'), torchScript, input];
  const isDeep = architecture.startsWith('resnext101');
  const all = {
    [own]: [...semisup, JSON.stringify({ device: 'cuda', precision: dtype })],
    [baseline]: inPython('eager'),
    'pytorch-reduce-overhead': inPython('reduce-overhead'),
    'pytorch-max-autotune': inPython('max-autotune'),
  };
  const usual = isDeep ? [own, baseline] : Object.keys(all);
  const wanted = options.contenders?.split(',') ?? usual;
  const unknown = wanted.find((name) => !(name in all));
  if (unknown) throw new Error(`${unknown} is none of ${Object.keys(all).join(', ')}`);
  return Object.fromEntries(wanted.map((name) => [name, all[name]]));
}

/** The first runs compile, record and measure; they are told of, and not counted. */
async function warmUp(contenders, batch) {
  const warm = new Map();
  for (const { name, ask } of contenders) {
    try {
      const began = performance.now();
      const answer = await ask({ batch, runs: warmUpRuns, logits: true });
      warm.set(name, answer);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.error(`${name}: warm after ${seconds} s ${JSON.stringify(answer.plan ?? '')}`);
    } catch (error) {
      console.error(`${name} is left out: ${error.message}`);
    }
  }
  return warm;
}

/** How far each contender's logits are from the baseline's, or from the first one's where it is not there. */
function compareLogits(warm, dtype) {
  const reference = warm.get(baseline) ?? warm.values().next().value;
  const differences = new Map();
  for (const [name, { logits }] of warm) {
    const apart = difference(logits, reference.logits);
    // So that what is no number is wrong too.
    const wrong = !(apart <= tolerances[dtype]);
    if (wrong) process.exitCode = 1;
    differences.set(name, apart.toExponential(1));
    console.error(`${name}: logits ${wrong ? 'DIFFER' : 'agree'}, ${differences.get(name)}`);
  }
  return differences;
}

async function measure(model, batch, dtype, contenders, rate) {
  const warm = await warmUp(contenders, batch);
  const differences = compareLogits(warm, dtype);
  const runs = (name) => {
    const fitting = Math.round(turnMs / warm.get(name).milliseconds.at(-1));
    return Math.min(Math.max(fitting, fewestRuns), mostRuns);
  };
  const taking = contenders.filter(({ name }) => warm.has(name));
  const measured = await takeTurns(taking, Number(options.rounds), async ({ name, ask }) => {
    const { milliseconds } = await ask({ batch, runs: 3 + runs(name) });
    return milliseconds.slice(3);
  });
  for (const [name, rounds] of measured) {
    const { value, ratios } = compare(rounds, measured.get(baseline));
    const all = rounds.flat();
    const ms = [value, quantile(all, 0.1), quantile(all, 0.9)].map((one) => one.toFixed(3));
    const perSecond = (1000 * batch) / value;
    const share = dtype === 'bfloat16' && rate ? (perSecond * operations[model]) / rate : undefined;
    const row = [model, batch, dtype, name, ...ms, perSecond.toFixed(0), ...ratioColumns(ratios)];
    console.log([...row, differences.get(name) ?? '', share?.toFixed(3) ?? ''].join(','));
  }
  return measured;
}

/** Operations a second of large bfloat16 matrix products, the best rate that there is, and their side. */
async function matrixRate() {
  const script = fileURLToPath(new URL('support/contender_gpu_python.py', import.meta.url));
  const [contender] = await startAll({ matrix: [python, script, 'matrix'] });
  if (!contender) return undefined;
  try {
    return await contender.ask({});
  } catch (error) {
    console.error(`the rate of matrix products is left out: ${error.message}`);
    return undefined;
  } finally {
    await contender.close();
  }
}

const rate = await matrixRate();
printOrigin(
  gpuVersions(),
  rate
    ? `bfloat16 matrix products of ${rate.side}: ${(rate.perSecond / 1e12).toFixed(1)} TFLOP/s`
    : 'bfloat16 matrix products not measured',
);
console.log(
  'model,batch,dtype,contender,median ms,p10 ms,p90 ms,images/s,ratio,lowest ratio,highest ratio,difference,share of the matrix rate',
);
await withFolder(async (folder) => {
  const input = writeInput(join(folder, 'input.f32'), inputImages);
  for (const one of options.cases.split(',')) {
    const [model, batch, dtype] = one.split(':');
    console.error(`\n${model}, batch ${batch}, ${dtype}, milliseconds`);
    const asked = commands(model, torchScriptFile(folder, model), input, dtype);
    const contenders = await startAll(asked);
    const measured = await measure(model, Number(batch), dtype, contenders, rate?.perSecond);
    // The others may be left out.
    if (own in asked && !measured.has(own)) process.exitCode = 1;
    await Promise.all(contenders.map((contender) => contender.close()));
  }
});
