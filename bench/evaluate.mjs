// Measures the images per second of an evaluation: semisup's bare forwards, `evaluate`, and Python's PyTorch with Pillow and
// a DataLoader, eager and compiled.
//   node bench/evaluate.mjs [--model a] [--rounds n] [--threads n]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startAll } from './support/contender.mjs';
import { compare, interleave, ratioColumns } from './support/interleave.mjs';
import { physicalCores, printHeader } from './support/machine.mjs';
import { modelFiles, withModelFolder } from './support/models.mjs';
import { findPhotos } from './support/photos.mjs';
import { python, pythonVersions } from './support/python.mjs';

const baseline = 'forward';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'resnet50' },
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: String(physicalCores()) },
  },
});

const script = (name) => fileURLToPath(new URL(`support/${name}`, import.meta.url));

await withModelFolder(async (folder) => {
  const { path, kind } = await findPhotos(folder);
  const { architecture, torchScript } = modelFiles(folder, options.model);
  const inNode = (what) => [process.execPath, script('evaluate-semisup.mjs'), what, torchScript];
  const inPython = (kind) => [python, script('evaluate_python.py'), kind, architecture];
  const commands = {
    [baseline]: inNode('forward'),
    evaluate: inNode('evaluate'),
    'PyTorch eager': inPython('eager'),
    'PyTorch compile': inPython('compile'),
  };
  const contenders = await startAll(
    Object.fromEntries(
      Object.entries(commands).map(([name, command]) => [
        name,
        [...command, path, options.threads],
      ]),
    ),
  );
  printHeader(`${options.threads} threads; ${options.model}; ${kind}; ${pythonVersions()}`);
  console.log(
    'contender,images/s,lowest,highest,ratio,lowest ratio,highest ratio,event-loop delay p99 ms',
  );
  // In milliseconds per image.
  const delays = new Map();
  const measured = await interleave(
    contenders,
    Number(options.rounds),
    async ({ name, request }) => {
      const { values, delay } = await request({});
      if (delay !== undefined) delays.set(name, [...(delays.get(name) ?? []), delay]);
      return values;
    },
  );
  for (const [name, rounds] of measured) {
    const { value, ofRounds, ratios } = compare(rounds, measured.get(baseline));
    const rates = [value, Math.max(...ofRounds), Math.min(...ofRounds)].map((ms) => 1000 / ms);
    const delay = delays.has(name) ? Math.max(...delays.get(name)).toFixed(1) : '';
    console.log(
      [name, ...rates.map((rate) => rate.toFixed(1)), ...ratioColumns(ratios), delay].join(','),
    );
  }
  await Promise.all(contenders.map((contender) => contender.close()));
});
