// Checks whether repeatedly loading and closing a ResNet-18 leaks memory.
//   npx tsc -p tsconfig.build.json && node bench/soak.mjs [cycles]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory, ScriptModule, Tensor } from '../lib/index.js';
import { printHeader } from './support/machine.mjs';
import { makeTorchScript } from './support/models.mjs';

const cycles = Number(process.argv[2] ?? 1000);
const MiB = (bytes) => (bytes / 2 ** 20).toFixed(1);
const folder = mkdtempSync(join(tmpdir(), 'semisup-bench-'));
const [path] = makeTorchScript(folder, 'resnet18');
const input = Tensor.from(new Float32Array(3 * 224 * 224).fill(0.5), [1, 3, 224, 224]);

let early;
let late;
const began = performance.now();
printHeader();
console.log('cycles,RSS MiB,modules,tensors');
for (let i = 1; i <= cycles; i++) {
  const model = await ScriptModule.load(path);
  (await model.forward(input)).dispose();
  await model.close();
  late = process.memoryUsage.rss();
  if (i === 20) early = late;
  if (i === 20 || i % (cycles / 20) === 0) {
    const { modules, tensors } = memory();
    console.log([i, MiB(late), modules.count, tensors.count - 1].join(','));
  }
}
const seconds = (performance.now() - began) / 1000;
input.dispose();
const { modules, tensors } = memory();
console.log('\nfigure,value');
console.log(`RSS after ${cycles} cycles / after 20,${(late / early).toFixed(3)}`);
console.log(`remaining bytes of modules and tensors,${modules.bytes + tensors.bytes}`);
console.log(`ms per cycle,${((1000 * seconds) / cycles).toFixed(0)}`);
rmSync(folder, { recursive: true });
