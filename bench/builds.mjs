// Compares CPU forwards of this checkout with another one, e.g. of an earlier commit, in turns.
//   node bench/builds.mjs OTHER [--models a,b] [--batches 1,8] [--precisions a,b] [--rounds n] [--threads n]
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startAll } from './support/contender.mjs';
import { summarize, timeForwards, warmUp } from './support/forwards.mjs';
import { writeInput } from './support/input.mjs';
import { physicalCores, printHeader } from './support/machine.mjs';
import { torchScriptFile, withModelFolder } from './support/models.mjs';

const timing = { roundMs: 1000, minRuns: 3, maxRuns: 30, untimedRuns: 1 };

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    models: { type: 'string', default: 'resnet50,resnet18' },
    batches: { type: 'string', default: '1,8,16,32' },
    precisions: { type: 'string', default: 'float32,bfloat16,int8' },
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: String(physicalCores()) },
  },
});
const [other] = positionals;
if (!other) throw new Error('Pass the directory of the other checkout, which must be built.');
const batches = options.batches.split(',').map(Number);
const checkouts = {
  this: fileURLToPath(new URL('..', import.meta.url)),
  other: resolve(other),
};

printHeader(`${options.threads} threads; ratio: how many times faster than the other checkout`);
console.log(
  'model,precision,batch,checkout,median ms,p10 ms,p90 ms,ratio,lowest ratio,highest ratio',
);
await withModelFolder(async (folder) => {
  const input = writeInput(join(folder, 'input.f32'), Math.max(...batches));
  for (const model of options.models.split(',')) {
    const path = torchScriptFile(folder, model);
    for (const precision of options.precisions.split(',')) await compare(model, path, precision);
  }

  async function compare(model, path, precision) {
    const commands = Object.entries(checkouts).map(([name, directory]) => {
      const script = join(directory, 'bench/support/contender-semisup.mjs');
      const open = JSON.stringify({ plan: 'tune', precision });
      return [name, [process.execPath, script, path, input, options.threads, open]];
    });
    const contenders = await startAll(Object.fromEntries(commands));
    for (const batch of batches) {
      const warm = await warmUp(contenders, batch, 4);
      const limits = { ...timing, rounds: Number(options.rounds) };
      const measured = await timeForwards(contenders, warm, batch, limits);
      for (const [name, rounds] of measured) {
        const { milliseconds, ratios } = summarize(rounds, measured.get('other'), 2);
        console.log([model, precision, batch, name, ...milliseconds, ...ratios].join(','));
      }
    }
    await Promise.all(contenders.map((contender) => contender.close()));
  }
});
