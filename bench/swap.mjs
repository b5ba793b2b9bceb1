// Measures the effect of swaps on requests: a constant number of requests is in flight to a slot that
// swaps back and forth between two ResNet-18s, compared with the same load without swaps.
//   npx tsc -p tsconfig.build.json && node bench/swap.mjs [swaps] [requests in flight]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { memory, ModelSlot } from '../lib/index.js';
import { printHeader } from './support/machine.mjs';
import { makeTorchScript } from './support/models.mjs';
import { quantile } from './support/statistics.mjs';

const swaps = Number(process.argv[2] ?? 200);
const inFlight = Number(process.argv[3] ?? 32);
const quietSeconds = 10;
/** Every eighth client sends more images per request than fit into one batch. */
const imagesPerLargeRequest = 10;
/** The class that each of the two models predicts. */
const predictedClasses = [100, 900];

function image(seed) {
  const data = new Uint8Array(256 * 256 * 3);
  for (let i = 0; i < data.length; i++) data[i] = (i * 7 + (i >> 8) * seed) & 255;
  return { data, width: 256, height: 256, channels: 3 };
}

/** Clients that each send the next request as soon as the previous one is answered. */
class Load {
  counts = { sent: 0, answered: 0, failed: 0, mixed: 0 };
  latencies = [];
  #isRunning = true;
  #clients;

  constructor(slot) {
    this.#clients = Array.from({ length: inFlight }, (_, i) => this.#client(slot, i));
  }

  async stop() {
    this.#isRunning = false;
    await Promise.all(this.#clients);
    const { sent, answered, failed, mixed } = this.counts;
    return { ...this.counts, lost: sent - answered - failed, mixed };
  }

  async #client(slot, i) {
    const images =
      i % 8 === 0 ? Array.from({ length: imagesPerLargeRequest }, () => image(i)) : image(i);
    while (this.#isRunning) {
      this.counts.sent++;
      const began = performance.now();
      try {
        const answers = [await slot.classifyDetailed(images, { topk: 1 })].flat();
        this.counts.answered++;
        if (!Array.isArray(images)) this.latencies.push(performance.now() - began);
        if (!isOfOneVersion(answers)) this.counts.mixed++;
      } catch (error) {
        this.counts.failed++;
        console.error(error);
      }
    }
  }
}

/** Odd versions are the first model, even versions the second. */
function isOfOneVersion(answers) {
  const [{ version }] = answers;
  const expected = predictedClasses[(version - 1) % 2];
  return answers.every((one) => one.version === version && one.predictions[0].index === expected);
}

function report(name, { latencies }, counts) {
  const ms = (q) => quantile(latencies, q).toFixed(1);
  const { answered, failed, lost, mixed } = counts;
  console.log([name, answered, failed, lost, mixed, ms(0.5), ms(0.99)].join(','));
}

async function runUnderLoad(slot, work) {
  const load = new Load(slot);
  const result = await work();
  return { load, result, counts: await load.stop() };
}

async function swapAll(slot, paths) {
  const rss = [];
  const durations = [];
  for (let i = 1; i <= swaps; i++) {
    const began = performance.now();
    const { drained } = await slot.swap(paths[i % 2]);
    durations.push(performance.now() - began);
    await drained;
    rss.push(process.memoryUsage.rss());
  }
  return { rss, durations };
}

const folder = mkdtempSync(join(tmpdir(), 'semisup-bench-'));
const paths = makeTorchScript(folder, 'resnet18', ...predictedClasses);
const slot = await ModelSlot.open(paths[0]);
const delay = monitorEventLoopDelay({ resolution: 1 });

await runUnderLoad(slot, () => sleep(3000));
printHeader();
console.log('phase,requests,failed,lost,mixed,p50 ms,p99 ms');
const quiet = await runUnderLoad(slot, () => sleep(quietSeconds * 1000));
report('without swaps', quiet.load, quiet.counts);
delay.enable();
const swapped = await runUnderLoad(slot, () => swapAll(slot, paths));
delay.disable();
report(`${swaps} swaps`, swapped.load, swapped.counts);
const after = await runUnderLoad(slot, () => sleep(quietSeconds * 1000));
report('without swaps again', after.load, after.counts);

const { rss, durations } = swapped.result;
const p99 = (phase) => quantile(phase.load.latencies, 0.99);
const MiB = (bytes) => (bytes / 2 ** 20).toFixed(0);
console.log('\nfigure,value');
console.log(
  `p99 with swaps / without,${((2 * p99(swapped)) / (p99(quiet) + p99(after))).toFixed(3)}`,
);
console.log(`swap ms p50,${quantile(durations, 0.5).toFixed(0)}`);
console.log(`swap ms p99,${quantile(durations, 0.99).toFixed(0)}`);
console.log(`longest event-loop delay ms,${(delay.max / 1e6).toFixed(1)}`);
// The median over ten swaps, because resident memory varies with what is running.
const resident = (i) => quantile(rss.slice(i - 10, i), 0.5);
for (let i = 20; i <= swaps; i += 20) console.log(`RSS MiB after ${i} swaps,${MiB(resident(i))}`);
console.log(`RSS after ${swaps} swaps / after 20,${(resident(swaps) / resident(20)).toFixed(3)}`);
await slot.close();
const { modules, tensors } = memory();
console.log(`remaining modules and tensors,${modules.count + tensors.count}`);
rmSync(folder, { recursive: true });
