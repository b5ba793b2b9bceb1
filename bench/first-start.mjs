// The first start with a model of the hub whose TorchScript is in the cache, but which is not compiled yet: from the
// start of the process to the answer, and the calls while the tuning runs in the background.
//   node bench/first-start.mjs [--model name] [--runs n]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hub } from '../lib/index.js';
import { printHeader } from './support/machine.mjs';
import { withModelFolder } from './support/models.mjs';
import { findPhotos } from './support/photos.mjs';
import { median } from './support/statistics.mjs';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'resnet50_baseline' },
    runs: { type: 'string', default: '9' },
  },
});

const script = fileURLToPath(new URL('support/start-hub.mjs', import.meta.url));

/** Copies a model's TorchScript and its hash into another hub directory. */
async function copyTorchScript(name, hubDir) {
  const checkpoints = dirname(await hub.download(name));
  const parents = [checkpoints, dirname(checkpoints), dirname(dirname(checkpoints))];
  mkdirSync(join(hubDir, 'checkpoints'), { recursive: true });
  for (const parent of parents) {
    const files = readdirSync(parent).filter((file) => file.startsWith(`${name}-`));
    const torchScript = files.filter((file) => /\.pt(\.sha256)?$/.test(file));
    for (const file of torchScript) {
      copyFileSync(join(parent, file), join(hubDir, 'checkpoints', file));
    }
    if (torchScript.length > 0) return;
  }
  throw new Error(`There is no TorchScript of ${name} near ${checkpoints}.`);
}

/** Runs a process; returns what it prints, and the time to its first line. */
async function run(hubDir, image) {
  for (const file of readdirSync(join(hubDir, 'checkpoints'))) {
    if (file.includes('.semisup')) rmSync(join(hubDir, 'checkpoints', file));
  }
  const begin = performance.now();
  const child = spawn(process.execPath, [script, hubDir, options.model, image], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const lines = [];
  let first;
  for await (const line of createInterface({ input: child.stdout })) {
    first ??= performance.now() - begin;
    lines.push(JSON.parse(line));
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`A process ended with ${code}.`);
  return { 'start to first answer ms': first, ...Object.assign({}, ...lines) };
}

await withModelFolder(async (folder) => {
  printHeader();
  console.log('model,figure,median,lowest,highest');
  const { path } = await findPhotos(folder);
  const image = join(path, readdirSync(path).sort()[0]);
  const hubDir = join(folder, 'hub');
  await copyTorchScript(options.model, hubDir);
  const results = [];
  // The files are in the page cache after the first run, which is not counted.
  for (let i = -1; i < Number(options.runs); i++) {
    console.error(`run ${i + 1} of ${options.runs}`);
    const result = await run(hubDir, image);
    if (i >= 0) results.push(result);
  }
  for (const figure of Object.keys(results[0])) {
    const values = results.map((result) => result[figure]);
    const cells = [median(values), Math.min(...values), Math.max(...values)];
    console.log([options.model, figure, ...cells.map((value) => value.toFixed(1))].join(','));
  }
});
