// Classifies JPEGs in memory on a GPU: decoding on the GPU against decoding on the CPU.
//   node bench/gpu-images.mjs [--models a,b] [--precision float16] [--rounds n] [--times n]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startAll } from './support/contender.mjs';
import { printHeader } from './support/machine.mjs';
import { torchScriptFile, withModelFolder } from './support/models.mjs';
import { findPhotos } from './support/photos.mjs';
import { gpuVersions } from './support/python.mjs';
import { compare, interleave, ratioColumns } from './support/interleave.mjs';

const baseline = 'decode: cpu';
const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: 'resnet50' },
    precision: { type: 'string', default: 'float16' },
    rounds: { type: 'string', default: '5' },
    // How many times a call contains the photos.
    times: { type: 'string', default: '20' },
  },
});

function commands(torchScript, photos) {
  const script = fileURLToPath(new URL('support/images-gpu-semisup.mjs', import.meta.url));
  const { precision, times } = options;
  const semisup = (decode) => [
    ...[process.execPath, script, torchScript, photos, times],
    JSON.stringify({ device: process.env.SEMISUP_BENCH_DEVICE ?? 'cuda', precision, decode }),
  ];
  return { [baseline]: semisup('cpu'), 'decode: gpu': semisup('gpu') };
}

/** Captures the graphs of all batch sizes. Returns the contenders that did not fail. */
async function warmUp(contenders) {
  const warm = [];
  for (const contender of contenders) {
    try {
      await contender.request({ measure: 'all' });
      warm.push(contender);
    } catch (error) {
      console.error(`${contender.name} is excluded: ${error.message}`);
    }
  }
  return warm;
}

await withModelFolder(async (folder) => {
  const { path, count, kind } = await findPhotos(folder);
  printHeader(
    gpuVersions(),
    `${options.times} times ${kind}; UV_THREADPOOL_SIZE ${process.env.UV_THREADPOOL_SIZE ?? 'not set'}`,
  );
  console.log('model,precision,contender,images/s,ratio,lowest ratio,highest ratio');
  for (const model of options.models.split(',')) {
    const contenders = await startAll(commands(torchScriptFile(folder, model), path));
    const warm = await warmUp(contenders);
    const measured = await interleave(warm, Number(options.rounds), async ({ request }) => {
      const { values } = await request({ measure: 'all' });
      return values;
    });
    if (measured.size < 2) process.exitCode = 1;
    for (const [name, rounds] of measured) {
      const { value, ratios } = compare(rounds, measured.get(baseline));
      const perSecond = (count * Number(options.times) * 1000) / value;
      console.log(
        [model, options.precision, name, perSecond.toFixed(0), ...ratioColumns(ratios)].join(','),
      );
    }
    await Promise.all(contenders.map((contender) => contender.close()));
  }
});
