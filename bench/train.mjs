// Measures training steps of a network: semisup's, and those of PyTorch in Python, eager in channels-last, with the fused and
// with the ordinary optimizer.
//   node bench/train.mjs [--models a,b] [--batch n] [--rounds n] [--threads n] [--precisions float32,bfloat16]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startAll } from './support/contender.mjs';
import { compare, interleave, ratioColumns } from './support/interleave.mjs';
import { physicalCores, printHeader } from './support/machine.mjs';
import { torchScriptFile, withModelFolder } from './support/models.mjs';
import { python, pythonVersions } from './support/python.mjs';

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: 'resnet18,resnet50' },
    batch: { type: 'string', default: '16' },
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: String(physicalCores()) },
    precisions: { type: 'string', default: 'float32,bfloat16' },
  },
});
const stepsPerRound = 3;

const script = (name) => fileURLToPath(new URL(`support/${name}`, import.meta.url));

await withModelFolder(async (folder) => {
  printHeader(
    `${options.threads} threads; batches of ${options.batch} images of 224 x 224; SGD with Nesterov momentum; ${pythonVersions()}`,
  );
  console.log('model,precision,contender,ms,lowest,highest,ratio,lowest ratio,highest ratio');
  for (const architecture of options.models.split(',')) {
    for (const precision of options.precisions.split(',')) {
      const settings = [options.batch, options.threads, precision];
      const inPython = (kind) => [
        python,
        script('train_python.py'),
        kind,
        architecture,
        ...settings,
      ];
      const baseline = 'PyTorch';
      const contenders = await startAll({
        [baseline]: inPython('default'),
        'PyTorch, fused optimizer': inPython('fused'),
        semisup: [
          ...[process.execPath, script('train-semisup.mjs')],
          ...[torchScriptFile(folder, architecture), ...settings],
        ],
      });
      const measured = await interleave(contenders, Number(options.rounds), async ({ request }) => {
        // The first step after a rest is not counted.
        const { milliseconds } = await request({ steps: 1 + stepsPerRound });
        return milliseconds.slice(1);
      });
      for (const [name, rounds] of measured) {
        const { value, ofRounds, ratios } = compare(rounds, measured.get(baseline));
        const times = [value, Math.min(...ofRounds), Math.max(...ofRounds)];
        const row = [
          architecture,
          precision,
          name.replace(',', ' with'),
          ...times.map((ms) => ms.toFixed(0)),
        ];
        console.log([...row, ...ratioColumns(ratios)].join(','));
      }
      await Promise.all(contenders.map((contender) => contender.close()));
    }
  }
});
