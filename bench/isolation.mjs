// Measures what isolation costs per call: the same model in this process and in a child process, in alternation.
//   npx tsc -p tsconfig.build.json && node bench/isolation.mjs [rounds] [calls per round]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Classifier } from '../lib/index.js';
import { printHeader } from './support/machine.mjs';
import { makeTorchScript } from './support/models.mjs';
import { median, quantile } from './support/statistics.mjs';

const rounds = Number(process.argv[2] ?? 15);
const calls = Number(process.argv[3] ?? 5);

function image(seed) {
  const data = new Uint8Array(256 * 256 * 3);
  for (let i = 0; i < data.length; i++) data[i] = (i * 7 + (i >> 8) * seed) & 255;
  return { data, width: 256, height: 256, channels: 3 };
}

/** The median duration of a call in milliseconds. */
async function measure(model, images) {
  // Threads of the other process stop spinning.
  await sleep(100);
  await model.classify(images);
  const durations = [];
  for (let i = 0; i < calls; i++) {
    const startTime = performance.now();
    await model.classify(images);
    durations.push(performance.now() - startTime);
  }
  return median(durations);
}

const folder = mkdtempSync(join(tmpdir(), 'semisup-bench-'));
printHeader();
console.log('model,batch,in this process ms,isolated ms,ratio,ratio p10,ratio p90,difference ms');
for (const name of ['resnet18', 'resnet50']) {
  const [path] = makeTorchScript(folder, name, 100);
  const model = await Classifier.open(path);
  const isolated = await Classifier.open(path, { isolate: true });
  for (const batch of [1, 8]) {
    const images = Array.from({ length: batch }, (_, i) => image(i + 1));
    const results = { here: [], isolated: [] };
    for (let round = 0; round < rounds; round++) {
      const order = [
        ['here', model],
        ['isolated', isolated],
      ];
      if (round % 2 === 1) order.reverse();
      for (const [key, one] of order) results[key].push(await measure(one, images));
    }
    const ratios = results.isolated.map((duration, i) => duration / results.here[i]);
    const differences = results.isolated.map((duration, i) => duration - results.here[i]);
    const figures = [
      ...[median(results.here), median(results.isolated)].map((value) => value.toFixed(2)),
      ...[median(ratios), quantile(ratios, 0.1), quantile(ratios, 0.9)].map((v) => v.toFixed(3)),
      median(differences).toFixed(2),
    ];
    console.log([name, batch, ...figures].join(','));
  }
  await model.close();
  await isolated.close();
}
rmSync(folder, { recursive: true });
