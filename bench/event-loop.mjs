// How long the event loop is held while a model is built, loaded, run and closed; in milliseconds, the
// longest delay of each step, median and range over several processes.
//   node bench/event-loop.mjs [--runs 7] [--threads n] [--neighbours n]
// `--neighbours` starts as many processes that keep a core busy. Fetches resnet50_baseline once.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { busyTime } from './support/machine.mjs';

const self = fileURLToPath(import.meta.url);
const image = fileURLToPath(new URL('../examples/clock.jpg', import.meta.url));

/** One process: every step once, in a cache of its own that holds nothing but the checkpoint. */
async function once(checkpoint, threads) {
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
    // What blocks before the monitor's first tick would not be seen.
    delay.enable();
    await sleep(30);
    delay.reset();
    await sleep(5);
    const began = performance.now();
    const answer = await work();
    const took = performance.now() - began;
    await sleep(5);
    delay.disable();
    steps[step] = { longest: delay.max / 1e6, took };
    return answer;
  }
  await measure('nothing, for 100 ms', () => sleep(100));
  await measure('open LibTorch', () => openNative());
  const built = await measure('hub.load, first time: build', () => hub.load(name, options));
  const model = await measure('hub.load, from the cache', () => hub.load(name, options));
  await measure('classify an image, first time', () => model.classify(image));
  // The second run is still slow: TorchScript compiles what it has seen in the first.
  await model.classify(image);
  await measure('classify an image', () => model.classify(image));
  await measure('classify 64 images', () => model.classify(Array(64).fill(image)));
  await measure('exportTorchScript', () => hub.exportTorchScript(name, exported, options));
  const copy = await measure('ScriptModule.load', () => ScriptModule.load(exported));
  await measure('close three', () => Promise.all([built.close(), model.close(), copy.close()]));
  await measure('before a first fetch: import pacote and undici', () =>
    Promise.all([import('pacote'), import('undici')]),
  );
  rmSync(hubDir, { recursive: true });
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ steps, own: (user + system) / 1000 }));
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

/** What a process measured, and how many cores all others used meanwhile. */
function runOnce(checkpoint, threads) {
  const [began, busyBefore] = [performance.now(), busyTime()];
  const output = execFileSync(process.execPath, [self, checkpoint, '--threads', threads]);
  const { steps, own } = JSON.parse(output);
  const others = (busyTime() - busyBefore - own) / (performance.now() - began);
  return { steps, others: Math.max(0, others) };
}

function print(results) {
  const others = summary(results.map((result) => result.others));
  console.log(`${results.length} processes; others used ${others} cores meanwhile`);
  console.log('step; longest delay of the event loop in ms; duration of the step in ms');
  for (const step of Object.keys(results[0].steps)) {
    const delays = results.map(({ steps }) => steps[step].longest);
    const durations = results.map(({ steps }) => steps[step].took);
    console.log(`${step}; ${summary(delays)}; ${summary(durations, 0)}`);
  }
}

/** Median and range. */
function summary(values, digits = 1) {
  const sorted = values.toSorted((a, b) => a - b).map((value) => value.toFixed(digits));
  return `${sorted[Math.floor(sorted.length / 2)]} (${sorted[0]} to ${sorted.at(-1)})`;
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
if (checkpoint) await once(checkpoint, Number(values.threads));
else await report(values);
