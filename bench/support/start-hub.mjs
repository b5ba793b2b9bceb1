// A process of first-start.mjs. After the first answer it classifies up to ten images a second
// before, while and after the model is tuned.
//   node start-hub.mjs HUB_DIRECTORY MODEL IMAGE
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { hub } from '../../lib/index.js';
import { median, quantile } from './statistics.mjs';

const [hubDir, name, image] = process.argv.slice(2);
const model = await hub.load(name, { hubDir });
const [{ index }] = await model.classify(image);
console.log(JSON.stringify({}));

async function measureCall() {
  await sleep(100);
  const begin = performance.now();
  const [best] = await model.classify(image);
  if (best.index !== index) throw new Error(`Class ${best.index} instead of ${index}.`);
  return performance.now() - begin;
}

const before = [];
const startOfTuning = performance.now() + 800;
while (performance.now() < startOfTuning) before.push(await measureCall());
const during = [];
while (model.plan.kind !== 'compiled') during.push(await measureCall());
const tuned = performance.now();
const after = [];
for (let i = 0; i < 50; i++) after.push(await measureCall());
console.log(
  JSON.stringify({
    'start to tuned model ms': tuned,
    'median call before it is tuned ms': median(before),
    'median call while it is tuned ms': median(during),
    '99th percentile call while it is tuned ms': quantile(during, 0.99),
    'median call of the tuned model ms': median(after),
    '99th percentile call of the tuned model ms': quantile(after, 0.99),
  }),
);
await model.close();
