// What swapping costs those who are asking: a number of requests always in flight, to a slot whose two
// ResNet-18s are swapped again and again, against the same requests without swaps.
//   npx tsc -p tsconfig.build.json && node bench/swap.mjs [swaps] [requests in flight]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { memory, ModelSlot } from '../lib/index.js';
import { printOrigin } from './support/machine.mjs';
import { makeTorchScript } from './support/models.mjs';
import { quantile } from './support/statistics.mjs';

const swaps = Number(process.argv[2] ?? 200);
const inFlight = Number(process.argv[3] ?? 32);
const quietSeconds = 10;
/** Of the clients, each eighth sends so many images at once that they run in two batches. */
const manyImages = 10;
const favourites = [100, 900];

function image(seed) {
  const data = new Uint8Array(256 * 256 * 3);
  for (let i = 0; i < data.length; i++) data[i] = (i * 7 + (i >> 8) * seed) & 255;
  return { data, width: 256, height: 256, channels: 3 };
}

/** Clients that each ask again as soon as they are answered. */
class Load {
  counts = { asked: 0, answered: 0, failed: 0, mixed: 0 };
  latencies = [];
  #going = true;
  #clients;

  constructor(slot) {
    this.#clients = Array.from({ length: inFlight }, (_, i) => this.#client(slot, i));
  }

  async stop() {
    this.#going = false;
    await Promise.all(this.#clients);
    const { asked, answered, failed, mixed } = this.counts;
    return { ...this.counts, lost: asked - answered - failed, mixed };
  }

  async #client(slot, i) {
    const images = i % 8 === 0 ? Array.from({ length: manyImages }, () => image(i)) : image(i);
    while (this.#going) {
      this.counts.asked++;
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

/** Odd versions are the first model, even ones the second. */
function isOfOneVersion(answers) {
  const [{ version }] = answers;
  const favourite = favourites[(version - 1) % 2];
  return answers.every((one) => one.version === version && one.predictions[0].index === favourite);
}

function report(name, { latencies }, counts, extra = '') {
  const ms = (q) => quantile(latencies, q).toFixed(1);
  const { answered, failed, lost, mixed } = counts;
  console.log([name, answered, failed, lost, mixed, ms(0.5), ms(0.99), extra].join(','));
}

async function under(slot, work) {
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
const paths = makeTorchScript(folder, 'resnet18', ...favourites);
const slot = await ModelSlot.open(paths[0]);
const delay = monitorEventLoopDelay({ resolution: 1 });

await under(slot, () => sleep(3000));
printOrigin();
console.log('phase,requests,failed,lost,mixed,p50 ms,p99 ms,');
const quiet = await under(slot, () => sleep(quietSeconds * 1000));
report('without swaps', quiet.load, quiet.counts);
delay.enable();
const swapped = await under(slot, () => swapAll(slot, paths));
delay.disable();
report(`${swaps} swaps`, swapped.load, swapped.counts);
const after = await under(slot, () => sleep(quietSeconds * 1000));
report('without swaps again', after.load, after.counts);

const { rss, durations } = swapped.result;
const p99 = (phase) => quantile(phase.load.latencies, 0.99);
const MiB = (bytes) => (bytes / 2 ** 20).toFixed(0);
console.log('\nfigure,value');
console.log(
  `p99 with swaps / without,${((2 * p99(swapped)) / (p99(quiet) + p99(after))).toFixed(3)}`,
);
console.log(`a swap ms p50,${quantile(durations, 0.5).toFixed(0)}`);
console.log(`a swap ms p99,${quantile(durations, 0.99).toFixed(0)}`);
console.log(`longest delay of the event loop ms,${(delay.max / 1e6).toFixed(1)}`);
// Of ten swaps the median, because what is resident at one moment depends on what is running.
const resident = (i) => quantile(rss.slice(i - 10, i), 0.5);
for (let i = 20; i <= swaps; i += 20) console.log(`RSS MiB after ${i} swaps,${MiB(resident(i))}`);
console.log(`RSS after ${swaps} swaps / after 20,${(resident(swaps) / resident(20)).toFixed(3)}`);
await slot.close();
const { modules, tensors } = memory();
console.log(`modules and tensors left,${modules.count + tensors.count}`);
rmSync(folder, { recursive: true });
