// Compares GPU forwards of semisup with PyTorch in Python, with the same weights and input. Inputs and
// outputs stay on the GPU.
//   node bench/gpu.mjs [--cases model:batch:dtype,...] [--contenders a,b] [--rounds n]
// SEMISUP_BENCH_DEVICE=cpu tests the script itself, in float32 or bfloat16, on a machine without a GPU.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startAll } from './support/contender.mjs';
import {
  compareLogits,
  selectContenders,
  summarize,
  timeForwards,
  warmUp,
} from './support/forwards.mjs';
import { writeInput } from './support/input.mjs';
import { printHeader } from './support/machine.mjs';
import { torchScriptFile, withModelFolder } from './support/models.mjs';
import { gpuVersions, python } from './support/python.mjs';

const own = 'semisup';
const baseline = 'pytorch-eager';
const warmUpRuns = 10;
const timing = { roundMs: 1000, minRuns: 5, maxRuns: 500, untimedRuns: 3 };
/** Distinct images in the input file; larger batches repeat them. */
const inputImages = 8;

/** FLOPs of a forward for one image: two per multiply-accumulate. */
const flops = {
  resnet18: 2 * 1.814e9,
  resnet50: 2 * 4.089e9,
  resnext50_32x4d: 2 * 4.23e9,
  resnext101_32x8d: 2 * 16.41e9,
  resnext101_32x16d: 2 * 36.25e9,
};
/** Permitted difference from eager PyTorch's logits in the same precision, relative to the largest. */
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

/** The command that starts each contender. Those that compile a deep network for minutes are opt-in. */
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
  const defaults = isDeep ? [own, baseline] : Object.keys(all);
  return selectContenders(all, options.contenders, defaults);
}

async function measure(model, batch, dtype, contenders, rate) {
  const warm = await warmUp(contenders, batch, warmUpRuns);
  const reference = warm.has(baseline) ? baseline : warm.keys().next().value;
  const differences = compareLogits(warm, reference, () => tolerances[dtype]);
  const limits = { ...timing, rounds: Number(options.rounds) };
  const measured = await timeForwards(contenders, warm, batch, limits);
  for (const [name, rounds] of measured) {
    const { median, milliseconds, ratios } = summarize(rounds, measured.get(baseline), 3);
    const perSecond = (1000 * batch) / median;
    const share = dtype === 'bfloat16' && rate ? (perSecond * flops[model]) / rate : undefined;
    const row = [model, batch, dtype, name, ...milliseconds, perSecond.toFixed(0), ...ratios];
    console.log([...row, differences.get(name) ?? '', share?.toFixed(3) ?? ''].join(','));
  }
  return measured;
}

/** FLOP/s of large bfloat16 matrix products, the practical peak, and the size of the matrices. */
async function matrixRate() {
  const script = fileURLToPath(new URL('support/contender_gpu_python.py', import.meta.url));
  const [contender] = await startAll({ matrix: [python, script, 'matrix'] });
  if (!contender) return undefined;
  try {
    return await contender.request({});
  } catch (error) {
    console.error(`The rate of matrix products was not measured: ${error.message}`);
    return undefined;
  } finally {
    await contender.close();
  }
}

const rate = await matrixRate();
printHeader(
  gpuVersions(),
  rate
    ? `bfloat16 matrix products of ${rate.side}: ${(rate.perSecond / 1e12).toFixed(1)} TFLOP/s`
    : 'bfloat16 matrix products not measured',
);
console.log(
  'model,batch,dtype,contender,median ms,p10 ms,p90 ms,images/s,ratio,lowest ratio,highest ratio,difference,fraction of matrix rate',
);
await withModelFolder(async (folder) => {
  const input = writeInput(join(folder, 'input.f32'), inputImages);
  for (const text of options.cases.split(',')) {
    const [model, batch, dtype] = text.split(':');
    console.error(`\n${model}, batch ${batch}, ${dtype}, milliseconds`);
    const selected = commands(model, torchScriptFile(folder, model), input, dtype);
    const contenders = await startAll(selected);
    const measured = await measure(model, Number(batch), dtype, contenders, rate?.perSecond);
    // The other contenders are optional.
    if (own in selected && !measured.has(own)) process.exitCode = 1;
    await Promise.all(contenders.map((contender) => contender.close()));
  }
});
