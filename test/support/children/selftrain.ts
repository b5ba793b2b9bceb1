import { selftrain } from '../../../src/selftrain';

/** Runs a self-training of few epochs, and prints its progress: <labeled> <pool> <teacher> <out>. */
async function main(): Promise<void> {
  const [labeled, pool, teacher, out] = process.argv.slice(2) as [string, string, string, string];
  const short = { epochs: 2, batchSize: 6 };
  await selftrain(labeled, {
    ...{ pool, teacher, out, size: 32, imagesPerClass: 6, imagesPerShard: 5, validation: 0.25 },
    training: { teacher: short, pretrain: short, finetune: short },
    onProgress: ({ step, phase, done }) => process.stdout.write(`${step} ${phase} ${done}\n`),
    onStep: ({ step }) => process.stdout.write(`${step} completed\n`),
  });
}

main().catch((error: unknown) => {
  const { code, message } = error as Error & { code?: string };
  process.stdout.write(`${code} ${message}\n`);
});
