// From the start of a process to its first answer, JPEG in and classes out, and the memory of a first and a further
// model: compiled models of semisup against onnxruntime-node with sharp, and OpenVINO with Pillow in Python.
//   node bench/start.mjs [--models a,b] [--runs n] [--threads n] [--processes n]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Classifier } from '../lib/index.js';
import { busyTime, physicalCores, printHeader } from './support/machine.mjs';
import { memoryOf } from './support/memory.mjs';
import { modelFiles, withModelFolder } from './support/models.mjs';
import { onnxruntimeVersion } from './support/onnxruntime.mjs';
import { findPhotos } from './support/photos.mjs';
import { python, pythonVersions } from './support/python.mjs';
import { median } from './support/statistics.mjs';

const baseline = 'onnxruntime-node';

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: 'resnet18,resnet50' },
    runs: { type: 'string', default: '9' },
    threads: { type: 'string', default: String(physicalCores()) },
    processes: { type: 'string', default: '10' },
  },
});

/** The file and a copy of it, which is the further model. */
function twice(path) {
  const copy = path.replace(/(\.\w+)$/, '-copy$1');
  copyFileSync(path, copy);
  return [path, copy];
}

async function compiledFile(folder, { architecture, torchScript }) {
  const path = join(folder, `${architecture}.semisup`);
  if (existsSync(path)) return path;
  const model = await Classifier.open(torchScript, {
    threads: Number(options.threads),
    plan: 'interpreter',
    device: 'cpu',
  });
  try {
    return await model.compile(path);
  } finally {
    await model.close();
  }
}

/** The command that starts each contender. */
async function commands(folder, files, image) {
  const script = (name) => fileURLToPath(new URL(`support/${name}`, import.meta.url));
  const common = [image, options.threads];
  const compiled = twice(await compiledFile(folder, files));
  const onnx = twice(files.onnx);
  return {
    'semisup, compiled': [process.execPath, script('start-semisup.mjs'), ...common, ...compiled],
    [baseline]: [process.execPath, script('start-onnxruntime.mjs'), ...common, ...onnx],
    ...(python && { openvino: [python, script('start_openvino.py'), ...common, ...onnx] }),
  };
}

/** A contender's process. */
class Contender {
  constructor([file, ...args]) {
    this.begin = performance.now();
    this.process = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  /** The next model's best class and the memory since the start. */
  async answer() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`${this.process.spawnargs.join(' ')} ended early.`);
    return JSON.parse(value);
  }

  next() {
    this.process.stdin.write('\n');
  }

  async end() {
    const ended = once(this.process, 'exit');
    this.process.stdin.end();
    this.process.kill();
    await ended;
  }
}

async function measure(command) {
  const contender = new Contender(command);
  const first = await contender.answer();
  const ms = performance.now() - contender.begin;
  contender.next();
  const second = await contender.answer();
  await contender.end();
  return {
    index: first.index,
    'start to first answer ms': ms,
    'private memory of first model MiB': first.private,
    'private memory of further model MiB': second.private - first.private,
    'resident memory of first model MiB': first.resident,
    'resident memory of further model MiB': second.resident - first.resident,
  };
}

/** The proportional set size of each of several processes that run at once. */
async function measureTogether(command, count) {
  const contenders = Array.from({ length: count }, () => new Contender(command));
  await Promise.all(contenders.map((contender) => contender.answer()));
  const sizes = contenders.map(({ process: { pid } }) => memoryOf(pid).pss);
  await Promise.all(contenders.map((contender) => contender.end()));
  return median(sizes);
}

const columns = ['median', 'lowest', 'highest'];
await withModelFolder(async (folder) => {
  printHeader(onnxruntimeVersion(), pythonVersions());
  console.log(`model,figure,contender,${columns.join(',')},ratio to ${baseline}`);
  const { path } = await findPhotos(folder);
  const image = join(path, readdirSync(path).sort()[0]);
  for (const architecture of options.models.split(',')) {
    const entries = Object.entries(await commands(folder, modelFiles(folder, architecture), image));
    const measured = new Map(entries.map(([name]) => [name, []]));
    const busy = busyTime();
    for (let run = -1; run < Number(options.runs); run++) {
      console.error(`${architecture}, run ${run + 1} of ${options.runs}`);
      // The files are in the page cache after the first run, which is not counted.
      for (const [name, command] of run % 2 ? entries : entries.toReversed()) {
        const result = await measure(command);
        if (run >= 0) measured.get(name).push(result);
      }
    }
    console.error(`${Math.round((busyTime() - busy) / 1000)} s of CPU time in all`);
    const together = new Map();
    for (const [name, command] of entries) {
      together.set(name, [await measureTogether(command, Number(options.processes))]);
    }
    for (const figure of Object.keys(measured.get(baseline)[0])) {
      if (figure === 'index') continue;
      print(
        architecture,
        figure,
        new Map(entries.map(([name]) => [name, measured.get(name).map((one) => one[figure])])),
      );
    }
    print(
      architecture,
      `proportional memory of each of ${options.processes} processes MiB`,
      together,
    );
  }
});

function print(model, figure, byContender) {
  const reference = median(byContender.get(baseline));
  for (const [name, values] of byContender) {
    const figures = [median(values), Math.min(...values), Math.max(...values)];
    const cells = figures.map((value) => value.toFixed(1));
    const ratio = (median(values) / reference).toFixed(2);
    console.log([model, figure, `"${name}"`, ...cells, ratio].join(','));
  }
}
