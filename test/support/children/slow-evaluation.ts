// Evaluates slowly, so that the process can be killed in between. Prints the counts of right answers and of results.
//   slow-evaluation.ts MODEL DATASET RESULTS
import { setTimeout as sleep } from 'node:timers/promises';
import { openDataset, type Dataset } from '../../../src/dataset';
import { evaluate } from '../../../src/evaluate';
import { openColorModel } from '../color-model';

const [model, path, results] = process.argv.slice(2) as [string, string, string];

async function main(): Promise<void> {
  const classifier = await openColorModel(model);
  const dataset = await openDataset(path);
  const slow: Dataset = {
    name: dataset.name,
    async *samples(options) {
      for await (const sample of dataset.samples(options)) {
        await sleep(4);
        yield sample;
      }
    },
  };
  process.stdout.write('ready\n');
  const { top1 } = await evaluate(classifier, slow, { results });
  process.stdout.write(`${JSON.stringify([top1.correct, top1.total])}\n`);
  await classifier.close();
}

void main();
