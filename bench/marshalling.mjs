// What it costs to bring a batch in and the answers out, against the ResNet-18 forward between them,
// and what a call costs that does nothing.
//   npx tsc -p tsconfig.build.json && node bench/marshalling.mjs [rounds]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScriptModule, Tensor } from '../lib/index.js';
import { printOrigin } from './support/machine.mjs';
import { makeTorchScript } from './support/models.mjs';
import { median, quantile } from './support/statistics.mjs';

const rounds = Number(process.argv[2] ?? 15);
const shape = [32, 3, 224, 224];
const data = Float32Array.from({ length: 32 * 3 * 224 * 224 }, (_, i) => (i % 251) / 251);

const folder = mkdtempSync(join(tmpdir(), 'semisup-bench-'));
const [path] = makeTorchScript(folder, 'resnet18');
const model = await ScriptModule.load(path);

/** Once around: the milliseconds that the array took to a tensor, the forward, the answers to an array. */
async function once() {
  const began = performance.now();
  const input = Tensor.from(data, shape);
  const inside = performance.now();
  const output = await model.forward(input);
  const answered = performance.now();
  const logits = await output.data();
  const done = performance.now();
  if (logits.length !== 32 * 1000) throw new Error(`${logits.length} logits`);
  input.dispose();
  output.dispose();
  return { in: inside - began, forward: answered - inside, out: done - answered };
}

for (let i = 0; i < 3; i++) await once();
const times = [];
for (let i = 0; i < rounds; i++) times.push(await once());

printOrigin();
console.log('part,median ms,p10 ms,p90 ms');
for (const part of ['in', 'forward', 'out']) {
  const of = times.map((time) => time[part]);
  const ms = [median(of), quantile(of, 0.1), quantile(of, 0.9)];
  console.log([part, ...ms.map((value) => value.toFixed(2))].join(','));
}
const shares = times.map((time) => (time.in + time.out) / time.forward);
const percent = [median(shares), quantile(shares, 0.1), quantile(shares, 0.9)];
console.log(['in and out / forward', ...percent.map((value) => value.toFixed(4))].join(','));
await model.close();

/** A call that computes next to nothing: from JavaScript to the model's thread and back. */
async function roundTrips(calls) {
  const source = '\ndef forward(self, x):\n    return x[:, 0, 0, 0]\n';
  const nothing = await ScriptModule.create({ type: 'Nothing', source });
  const input = Tensor.from(data.subarray(0, 3 * 224 * 224), [1, 3, 224, 224]);
  const milliseconds = [];
  for (let i = 0; i < calls; i++) {
    const began = performance.now();
    const output = await nothing.forward(input);
    await output.data();
    output.dispose();
    milliseconds.push(performance.now() - began);
  }
  await nothing.close();
  return milliseconds.slice(calls / 10);
}

const calls = await roundTrips(2000);
const ms = [median(calls), quantile(calls, 0.1), quantile(calls, 0.9)];
console.log(['an empty call', ...ms.map((value) => value.toFixed(3))].join(','));
rmSync(folder, { recursive: true });
