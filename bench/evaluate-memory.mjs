// Evaluates the photos again and again, and prints the memory of the process and the delay of the event loop.
//   node bench/evaluate-memory.mjs [--model resnet18] [--precision int8] [--images 50000]
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Classifier, evaluate } from '../lib/index.js';
import { printHeader } from './support/machine.mjs';
import { torchScriptFile, withModelFolder } from './support/models.mjs';
import { findPhotos } from './support/photos.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'resnet18' },
    precision: { type: 'string', default: 'int8' },
    images: { type: 'string', default: '50000' },
  },
});
const count = Number(options.images);
const rows = 10;

await withModelFolder(async (folder) => {
  const { path, kind } = await findPhotos(folder);
  const file = torchScriptFile(folder, options.model);
  const model = await Classifier.open(file, { precision: options.precision });
  const names = readdirSync(path);
  const dataset = {
    name: path,
    size: count,
    async *samples() {
      // The labels do not matter: the weights are synthetic.
      for (let i = 0; i < count; i++) {
        yield { name: String(i), label: '0', image: join(path, names[i % names.length]) };
      }
    },
  };
  printHeader(`${options.model} in ${options.precision}; ${kind}`);
  console.log(
    'images,images/s,resident MiB,JavaScript heap MiB,event-loop delay p99 ms,longest ms',
  );
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  let next = count / rows;
  const onProgress = ({ done, rate }) => {
    if (done < next) return;
    next += count / rows;
    const { rss, heapUsed } = process.memoryUsage();
    const figures = [
      rate,
      rss / 2 ** 20,
      heapUsed / 2 ** 20,
      delays.percentile(99) / 1e6,
      delays.max / 1e6,
    ];
    console.log([done, ...figures.map((figure) => figure.toFixed(1))].join(','));
    delays.reset();
  };
  const { results } = await evaluate(model, dataset, { onProgress });
  await model.close();
  if (results.length !== count) throw new Error(`${results.length} of ${count} images`);
});
