// Compares CPU forwards of semisup with its peers, with the same weights, input and threads.
//   node bench/cpu.mjs [--models a,b] [--batches 1,8] [--contenders a,b] [--rounds n] [--threads n]
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
import { physicalCores, printHeader } from './support/machine.mjs';
import { modelFiles, withModelFolder } from './support/models.mjs';
import { onnxruntimeVersion } from './support/onnxruntime.mjs';
import { python, pythonVersions } from './support/python.mjs';

const baseline = 'onnxruntime-node';
const warmUpRuns = 4;
const timing = { roundMs: 1000, minRuns: 2, maxRuns: 30, untimedRuns: 1 };

/** Permitted difference from the reference's logits, relative to the largest; 1e-3 by default. */
const tolerances = {
  'semisup-bfloat16': 5e-2,
  'openvino-bfloat16': 5e-2,
  'semisup-int8': Infinity,
  'openvino-int8': Infinity,
};
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
    openvino: inPython('openvino'),
    'openvino-bfloat16': inPython('openvino-bfloat16'),
    'openvino-int8': inPython('openvino-int8'),
  };
  return selectContenders(all, options.contenders);
}

async function measure(model, batch, contenders) {
  console.error(`\n${model}, batch ${batch}, milliseconds`);
  const warm = await warmUp(contenders, batch, warmUpRuns);
  const reference = references.find((name) => warm.has(name));
  const differences = compareLogits(warm, reference, (name) => tolerances[name] ?? 1e-3);
  const limits = { ...timing, rounds: Number(options.rounds) };
  const measured = await timeForwards(contenders, warm, batch, limits);
  for (const [name, rounds] of measured) {
    const { median, milliseconds, ratios } = summarize(rounds, measured.get(baseline), 2);
    const perSecond = ((1000 * batch) / median).toFixed(1);
    const row = [model, batch, name, ...milliseconds, perSecond, ...ratios];
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
