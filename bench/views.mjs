// Evaluates the photos at several sizes, over several views and with several temperatures: accuracy and processor time per
// image. The photos must be labeled, and the model's weights are real.
//   node bench/views.mjs [--model resnet50_baseline] [--rounds 3]
import { parseArgs } from 'node:util';
import { evaluate, hub } from '../lib/index.js';
import { printHeader } from './support/machine.mjs';
import { findPhotos } from './support/photos.mjs';
import { withModelFolder } from './support/models.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'resnet50_baseline' },
    rounds: { type: 'string', default: '3' },
  },
});

const settings = [
  {},
  { temperature: 0.7 },
  { input: { crop: 1 } },
  { input: { size: 288 } },
  { input: { size: 288, crop: 1 } },
  { views: 'flip' },
  { views: 'ten-crop' },
  { views: 'five-crop' },
].map((setting) => ({ input: {}, ...setting, times: [] }));

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

await withModelFolder(async (folder) => {
  const { path, kind } = await findPhotos(folder);
  // Each is tuned for its size before anything is measured.
  for (const { input } of settings) await hub.prepare([options.model], { size: input.size });
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const setting of settings) {
      const { input, views, temperature, times } = setting;
      const model = await hub.load(options.model, input);
      const start = process.cpuUsage();
      setting.evaluation = await evaluate(model, path, { views, temperature });
      const { user, system } = process.cpuUsage(start);
      times.push((user + system) / 1000 / setting.evaluation.top1.total);
      await model.close();
      const { top1, nll } = setting.evaluation;
      console.error(round, { ...input, views, temperature }, top1.correct, nll, times.at(-1));
    }
  }
  printHeader(`${options.model} in float32; ${kind}; medians of ${options.rounds} rounds`);
  console.log('size,crop,views,temperature,top-1,top-5,NLL,ECE,core ms/image,ratio');
  const baseline = median(settings[0].times);
  for (const { evaluation, times } of settings) {
    const { metadata, views, temperature, top1, top5, nll, calibration } = evaluation;
    const { resize, crop } = metadata.transform;
    const input = [crop, Number((crop / resize).toFixed(3)), views, temperature];
    const accuracy = [top1.correct, top5.correct, nll.toFixed(4), calibration.ece.toFixed(4)];
    const time = median(times);
    const cost = [time.toFixed(1), (time / baseline).toFixed(2)];
    console.log([...input, ...accuracy, ...cost].join(','));
  }
});
