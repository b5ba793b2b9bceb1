// From JPEG bytes in memory to classes on a GPU: JPEGs decoded by it against those decoded by the CPU.
//   node bench/gpu-images.mjs [--models a,b] [--precision float16] [--rounds n] [--times n]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startAll } from './support/contender.mjs';
import { printOrigin } from './support/machine.mjs';
import { torchScriptFile, withFolder } from './support/models.mjs';
import { findPhotos } from './support/photos.mjs';
import { gpuVersions } from './support/python.mjs';
import { compare, ratioColumns, takeTurns } from './support/turns.mjs';

const baseline = 'decode: cpu';
const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: 'resnet50' },
    precision: { type: 'string', default: 'float16' },
    rounds: { type: 'string', default: '5' },
    // How often the photos go through at a time.
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

/** Has graphs of all sizes made; gives those that did not fail. */
async function warmUp(contenders) {
  const warm = [];
  for (const contender of contenders) {
    try {
      await contender.ask({ measure: 'all' });
      warm.push(contender);
    } catch (error) {
      console.error(`${contender.name} is left out: ${error.message}`);
    }
  }
  return warm;
}

await withFolder(async (folder) => {
  const { path, count, kind } = await findPhotos(folder);
  printOrigin(
    gpuVersions(),
    `${options.times} times ${kind}; UV_THREADPOOL_SIZE ${process.env.UV_THREADPOOL_SIZE ?? 'not set'}`,
  );
  console.log('model,precision,contender,images/s,ratio,lowest ratio,highest ratio');
  for (const model of options.models.split(',')) {
    const contenders = await startAll(commands(torchScriptFile(folder, model), path));
    const warm = await warmUp(contenders);
    const measured = await takeTurns(warm, Number(options.rounds), async ({ ask }) => {
      const { values } = await ask({ measure: 'all' });
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
