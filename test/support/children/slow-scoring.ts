// Scores a pool slowly, so that the process can be killed in between.
//   slow-scoring.ts MODEL POOL DIRECTORY
import { setTimeout as sleep } from 'node:timers/promises';
import { openDataset, type Dataset } from '../../../src/dataset';
import { scorePool } from '../../../src/pseudo-labels';
import { openColorModel } from '../color-model';

const [model, path, out] = process.argv.slice(2) as [string, string, string];

async function main(): Promise<void> {
  const classifier = await openColorModel(model);
  const dataset = await openDataset(path, { labels: false });
  const slow: Dataset = {
    name: dataset.name,
    async *samples(options) {
      for await (const sample of dataset.samples(options)) {
        await sleep(3);
        yield sample;
      }
    },
  };
  process.stdout.write('ready\n');
  await scorePool(classifier, slow, { out, imagesPerShard: 20 });
  await classifier.close();
}

void main();
