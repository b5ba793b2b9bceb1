// Measures the longest event-loop delay while a model is built, loaded, run and closed: for each step the
// median and range in milliseconds over several processes.
//   node bench/event-loop.mjs [--runs 7] [--threads n] [--neighbours n]
// `--neighbours` is the number of processes that each keep a core busy. Downloads resnet50_baseline once.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { busyTime, printHeader } from './support/machine.mjs';
import { median } from './support/statistics.mjs';

const self = fileURLToPath(import.meta.url);
// Loading it blocks the event loop once, which is not part of any step.
await import('sharp');

const image = fileURLToPath(new URL('../examples/clock.jpg', import.meta.url));

/** Runs every step once in this process, with an otherwise empty cache that contains the checkpoint. */
async function measureSteps(checkpoint, threads) {
  const { hub, ScriptModule, setThreads } = await import('../lib/index.js');
  const { openNative } = await import('../lib/torch/addon.js');
  if (threads) setThreads(threads);
  const hubDir = mkdtempSync(join(tmpdir(), 'semisup-bench-'));
  const checkpoints = join(hubDir, 'checkpoints');
  mkdirSync(checkpoints);
  symlinkSync(checkpoint, join(checkpoints, basename(checkpoint)), 'junction');
  const exported = join(hubDir, 'exported.pt');
  const name = 'resnet50_baseline';
  const options = { hubDir, offline: true };

  const delay = monitorEventLoopDelay({ resolution: 1 });
  const steps = {};
  async function measure(step, work) {
    // The monitor misses what blocks before its first tick.
    delay.enable();
    await sleep(30);
    delay.reset();
    await sleep(5);
    const began = performance.now();
    const result = await work();
    const duration = performance.now() - began;
    await sleep(5);
    delay.disable();
    steps[step] = { delay: delay.max / 1e6, duration };
    return result;
  }
  await measure('idle for 100 ms', () => sleep(100));
  await measure('open LibTorch', () => openNative());
  const built = await measure('hub.load, first: build', () => hub.load(name, options));
  await built.whenTuned();
  const model = await measure('hub.load, from the cache', () => hub.load(name, options));
  await measure('classify the first image', () => model.classify(image));
  // In the interpreter the second run is slow too: TorchScript compiles what the first one profiled.
  await model.classify(image);
  await measure('classify an image', () => model.classify(image));
  await measure('classify 64 images', () => model.classify(Array(64).fill(image)));
  await measure('exportTorchScript', () => hub.exportTorchScript(name, exported, options));
  const copy = await measure('ScriptModule.load', () => ScriptModule.load(exported));
  await measure('close three models', () =>
    Promise.all([built.close(), model.close(), copy.close()]),
  );
  await measure('first download: import undici', () => import('undici'));
  rmSync(hubDir, { recursive: true });
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ steps, cpuTime: (user + system) / 1000 }));
}

async function report({ runs, threads, neighbours }) {
  const { hub } = await import('../lib/index.js');
  const checkpoint = dirname(dirname(await hub.download('resnet50_baseline')));
  const busy = Array.from({ length: Number(neighbours) }, () =>
    spawn(process.execPath, ['--eval', 'for (;;);']),
  );
  try {
    print(Array.from({ length: Number(runs) }, () => runOnce(checkpoint, threads)));
  } finally {
    for (const neighbour of busy) neighbour.kill();
  }
}

/** The measurements of a process, and how many cores other processes used in the meantime. */
function runOnce(checkpoint, threads) {
  const [began, busyBefore] = [performance.now(), busyTime()];
  const output = execFileSync(process.execPath, [self, checkpoint, '--threads', threads]);
  const { steps, cpuTime } = JSON.parse(output);
  const others = (busyTime() - busyBefore - cpuTime) / (performance.now() - began);
  return { steps, others: Math.max(0, others) };
}

function print(results) {
  const others = summary(results.map((result) => result.others)).map((value) => value.toFixed(1));
  printHeader(
    `${results.length} processes; others used ${others[0]} cores meanwhile (${others[1]} to ${others[2]})`,
  );
  console.log('step,delay ms,lowest,highest,duration ms,lowest,highest');
  for (const step of Object.keys(results[0].steps)) {
    const delays = summary(results.map(({ steps }) => steps[step].delay));
    const durations = summary(results.map(({ steps }) => steps[step].duration));
    const columns = [
      ...delays.map((value) => value.toFixed(1)),
      ...durations.map((value) => value.toFixed(0)),
    ];
    console.log([JSON.stringify(step), ...columns].join(','));
  }
}

/** Median, minimum and maximum. */
function summary(values) {
  return [median(values), Math.min(...values), Math.max(...values)];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '7' },
    threads: { type: 'string', default: '0' },
    neighbours: { type: 'string', default: '0' },
  },
});
const [checkpoint] = positionals;
if (checkpoint) await measureSteps(checkpoint, Number(values.threads));
else await report(values);
