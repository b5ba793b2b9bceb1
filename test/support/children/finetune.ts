import { finetune } from '../../../src/train';

/** Trains a model for four epochs, and prints each step and the error: <dataset> <model> <out>. */
async function main(): Promise<void> {
  const [dataset, model, out] = process.argv.slice(2) as [string, string, string];
  await finetune(dataset, {
    ...{ model, out, epochs: 4, batchSize: 6, size: 32, ema: 0.5, mixup: 1, validation: 0.25 },
    onProgress: ({ phase, done }) => process.stdout.write(`${phase} ${done}\n`),
  });
}

main().catch((error: unknown) => {
  const { code, message } = error as Error & { code?: string };
  process.stdout.write(`${code} ${message}\n`);
});
