// Compares the FLOP/s of ResNet-50's forward with those of the fastest single convolution on this machine.
//   node bench/rate.mjs [--batch 8] [--rounds n] [--threads n]
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startAll } from './support/contender.mjs';
import { writeInput } from './support/input.mjs';
import { physicalCores, printHeader } from './support/machine.mjs';
import { modelFiles, withModelFolder } from './support/models.mjs';
import { python, pythonVersions } from './support/python.mjs';
import { median, quantile } from './support/statistics.mjs';
import { interleave } from './support/interleave.mjs';

/** FLOPs of one image by the definition of its layers, counted as in contender_rate.py. */
const flops = 7.8965e9;
const runs = 8;

const { values: options } = parseArgs({
  options: {
    batch: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(physicalCores()) },
  },
});
const { batch, threads } = options;

function commands({ torchScript }, input) {
  const script = (name) => fileURLToPath(new URL(`support/${name}`, import.meta.url));
  const rate = (kind) => [python, script('contender_rate.py'), kind, batch, threads];
  return {
    semisup: [
      ...[process.execPath, script('contender-semisup.mjs')],
      ...[torchScript, input, threads, JSON.stringify({ plan: 'tune' })],
    ],
    'oneDNN, fastest convolution': rate('onednn'),
    'ONNX Runtime, fastest convolution': rate('onnxruntime'),
  };
}

/** GFLOP/s. */
async function measureRate({ name, request }) {
  const response = await request({ batch: Number(batch), runs });
  if (response.rate === undefined) {
    return response.milliseconds.slice(1).map((ms) => (flops * batch) / ms / 1e6);
  }
  console.error(`${name}: ${response.shape}`);
  return [response.rate];
}

printHeader(`${threads} threads, batch ${batch}; ${pythonVersions()}`);
console.log('contender,GFLOP/s,p10,p90,ratio to fastest convolution');
await withModelFolder(async (folder) => {
  const input = writeInput(join(folder, 'input.f32'), Number(batch));
  const contenders = await startAll(commands(modelFiles(folder, 'resnet50'), input));
  const measured = await interleave(contenders, Number(options.rounds), measureRate);
  await Promise.all(contenders.map((contender) => contender.close()));
  const best = Math.max(
    ...[...measured]
      .filter(([name]) => name !== 'semisup')
      .map(([, rounds]) => median(rounds.flat())),
  );
  for (const [name, rounds] of measured) {
    const all = rounds.flat();
    const columns = [median(all), quantile(all, 0.1), quantile(all, 0.9)].map((one) =>
      one.toFixed(0),
    );
    console.log(
      [
        JSON.stringify(name),
        ...columns,
        Number.isFinite(best) ? (median(all) / best).toFixed(3) : '',
      ].join(','),
    );
  }
});
