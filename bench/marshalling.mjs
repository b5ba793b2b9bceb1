// Measures the cost of copying a batch in and the logits out relative to the ResNet-18 forward between them,
// and the overhead of a call that computes almost nothing.
//   npx tsc -p tsconfig.build.json && node bench/marshalling.mjs [rounds]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScriptModule, Tensor } from '../lib/index.js';
import { printHeader } from './support/machine.mjs';
import { makeTorchScript } from './support/models.mjs';
import { median, quantile } from './support/statistics.mjs';

const rounds = Number(process.argv[2] ?? 15);
const shape = [32, 3, 224, 224];
const data = Float32Array.from({ length: 32 * 3 * 224 * 224 }, (_, i) => (i % 251) / 251);

const folder = mkdtempSync(join(tmpdir(), 'semisup-bench-'));
const [path] = makeTorchScript(folder, 'resnet18');
const model = await ScriptModule.load(path);

/** Milliseconds of one round trip: array to tensor, forward, tensor to array. */
async function measureForward() {
  const began = performance.now();
  const input = Tensor.from(data, shape);
  const copied = performance.now();
  const output = await model.forward(input);
  const computed = performance.now();
  const logits = await output.data();
  const done = performance.now();
  if (logits.length !== 32 * 1000)
    throw new Error(`Expected 32000 logits, but received ${logits.length}.`);
  input.dispose();
  output.dispose();
  return { input: copied - began, forward: computed - copied, output: done - computed };
}

for (let i = 0; i < 3; i++) await measureForward();
const times = [];
for (let i = 0; i < rounds; i++) times.push(await measureForward());

printHeader();
console.log('step,median ms,p10 ms,p90 ms');
for (const step of ['input', 'forward', 'output']) {
  const durations = times.map((time) => time[step]);
  const ms = [median(durations), quantile(durations, 0.1), quantile(durations, 0.9)];
  console.log([step, ...ms.map((value) => value.toFixed(2))].join(','));
}
const ratios = times.map((time) => (time.input + time.output) / time.forward);
const ratio = [median(ratios), quantile(ratios, 0.1), quantile(ratios, 0.9)];
console.log(['(input + output) / forward', ...ratio.map((value) => value.toFixed(4))].join(','));
await model.close();

/** Milliseconds of calls that compute almost nothing: from JavaScript to the model's thread and back. */
async function roundTrips(calls) {
  const source = '\ndef forward(self, x):\n    return x[:, 0, 0, 0]\n';
  const module = await ScriptModule.create({ type: 'FirstElement', source });
  const input = Tensor.from(data.subarray(0, 3 * 224 * 224), [1, 3, 224, 224]);
  const milliseconds = [];
  for (let i = 0; i < calls; i++) {
    const began = performance.now();
    const output = await module.forward(input);
    await output.data();
    output.dispose();
    milliseconds.push(performance.now() - began);
  }
  await module.close();
  return milliseconds.slice(calls / 10);
}

const calls = await roundTrips(2000);
const ms = [median(calls), quantile(calls, 0.1), quantile(calls, 0.9)];
console.log(['call overhead', ...ms.map((value) => value.toFixed(3))].join(','));
rmSync(folder, { recursive: true });
