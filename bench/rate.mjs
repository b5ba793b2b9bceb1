// How near ResNet-50's forward comes to the best rate of a convolution on this machine.
//   node bench/rate.mjs [--batch 8] [--rounds n] [--threads n]
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startAll } from './support/contender.mjs';
import { writeInput } from './support/input.mjs';
import { physicalCores, printOrigin } from './support/machine.mjs';
import { modelFiles, withFolder } from './support/models.mjs';
import { python, pythonVersions } from './support/python.mjs';
import { median, quantile } from './support/statistics.mjs';
import { takeTurns } from './support/turns.mjs';

/** Multiplications and additions of an image by the definition of its layers, as contender_rate.py counts. */
const operations = 7.8965e9;
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
    'oneDNN, its best': rate('onednn'),
    'ONNX Runtime, its best': rate('onnxruntime'),
  };
}

/** Billions of operations a second. */
async function rateOf({ name, ask }) {
  const answer = await ask({ batch: Number(batch), runs });
  if (answer.rate === undefined) {
    return answer.milliseconds.slice(1).map((ms) => (operations * batch) / ms / 1e6);
  }
  console.error(`${name}: ${answer.shape}`);
  return [answer.rate];
}

printOrigin(`${threads} threads, batch ${batch}; ${pythonVersions()}`);
console.log('contender,billions of operations a second,p10,p90,share of the best');
await withFolder(async (folder) => {
  const input = writeInput(join(folder, 'input.f32'), Number(batch));
  const contenders = await startAll(commands(modelFiles(folder, 'resnet50'), input));
  const measured = await takeTurns(contenders, Number(options.rounds), rateOf);
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
    console.log([JSON.stringify(name), ...columns, (median(all) / best).toFixed(3)].join(','));
  }
});
