// Feature pyramids, from pixels to arrays: the time of a call relative to that of `embed`.
//   node bench/features.mjs [--models a,b] [--batches 1,8] [--rounds n] [--threads n]
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Classifier } from '../lib/index.js';
import { compare, interleave, ratioColumns } from './support/interleave.mjs';
import { physicalCores, printHeader } from './support/machine.mjs';
import { torchScriptFile, withModelFolder } from './support/models.mjs';

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: 'resnet18,resnet50' },
    batches: { type: 'string', default: '1,8' },
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: String(physicalCores()) },
  },
});
const threads = Number(options.threads);
const callsPerRound = 5;

const features = (layers) => ({
  name: `features: ${layers?.join(' ') ?? 'all'}`,
  call: (model, images) => model.features(images, { layers }),
});
const calls = [
  { name: 'embed', call: (model, images) => model.embed(images) },
  features(),
  features(['layer2', 'layer3', 'layer4']),
  features(['layer4']),
  features(['layer2']),
  features(['layer1']),
];

/** Square, so that little is resized. */
function images(count) {
  const side = 256;
  const data = Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * 7919) % 251);
  return Array.from({ length: count }, () => ({ data, width: side, height: side, channels: 3 }));
}

async function openCompiled(folder, architecture) {
  const path = join(folder, `${architecture}-features.semisup`);
  const model = await Classifier.open(torchScriptFile(folder, architecture), {
    ...{ threads, plan: 'untuned', device: 'cpu' },
  });
  await model.compile(path);
  await model.close();
  return await Classifier.open(path, { threads });
}

await withModelFolder(async (folder) => {
  printHeader();
  console.log('model,batch,call,ms,ratio to embed,lowest ratio,highest ratio');
  for (const architecture of options.models.split(',')) {
    const model = await openCompiled(folder, architecture);
    for (const batch of options.batches.split(',').map(Number)) {
      const input = images(batch);
      const measured = await interleave(calls, Number(options.rounds), async ({ call }) => {
        await call(model, input);
        const times = [];
        for (let i = 0; i < callsPerRound; i++) {
          const began = performance.now();
          await call(model, input);
          times.push(performance.now() - began);
        }
        return times;
      });
      const baseline = measured.get('embed');
      for (const [name, rounds] of measured) {
        const { value, ratios } = compare(rounds, baseline);
        // Of the times: above 1, the call takes longer than `embed`.
        const slower = ratioColumns(ratios.map((ratio) => 1 / ratio));
        const [ratio, highest, lowest] = slower;
        console.log([architecture, batch, name, value.toFixed(1), ratio, lowest, highest].join());
      }
    }
    await model.close();
  }
});
