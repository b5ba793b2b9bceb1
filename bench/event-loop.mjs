// How long the event loop is held while a model is built, loaded, run and closed; in milliseconds, the
// longest delay of each step, median and range over several processes.
//   node bench/event-loop.mjs [runs]      (fetches the weights of resnet50_baseline once)
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const self = fileURLToPath(import.meta.url);
const image = fileURLToPath(new URL('../examples/clock.jpg', import.meta.url));

async function once() {
  const { hub, ScriptModule } = await import('../lib/index.js');
  const exported = `${image}.${process.pid}.pt`;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const longest = {};
  async function measure(name, work) {
    await sleep(50);
    delay.reset();
    delay.enable();
    const began = performance.now();
    const answer = await work();
    const took = performance.now() - began;
    await sleep(5);
    delay.disable();
    longest[name] = { longest: delay.max / 1e6, took };
    return answer;
  }
  const model = await measure('load', () => hub.load('resnet50_baseline'));
  await measure('classify one', () => model.classify(image));
  await measure('classify 64', () => model.classify(Array(64).fill(image)));
  await measure('export', () => hub.exportTorchScript('resnet50_baseline', exported));
  const copy = await measure('ScriptModule.load', () => ScriptModule.load(exported));
  await measure('close', () => Promise.all([model.close(), copy.close()]));
  rmSync(exported);
  console.log(JSON.stringify(longest));
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function report(runs) {
  const results = Array.from({ length: runs }, () =>
    JSON.parse(execFileSync(process.execPath, [self, 'once'], { encoding: 'utf8' })),
  );
  console.log('step, longest delay of the event loop (range), duration of the step; ms');
  for (const step of Object.keys(results[0])) {
    const delays = results.map((result) => result[step].longest);
    const range = `${Math.min(...delays).toFixed(1)} to ${Math.max(...delays).toFixed(1)}`;
    const took = median(results.map((result) => result[step].took));
    console.log(`${step}, ${median(delays).toFixed(1)} (${range}), ${took.toFixed(0)}`);
  }
}

if (process.argv[2] === 'once') await once();
else report(Number(process.argv[2] ?? 7));
