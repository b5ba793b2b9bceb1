import { teach } from '../../../src/teach';

/** Teaches a model, and prints each progress: <dataset> <model> <out>. */
async function main(): Promise<void> {
  const [dataset, model, out] = process.argv.slice(2) as [string, string, string];
  await teach(dataset, {
    ...{ model, out },
    onProgress: ({ phase, done }) => process.stdout.write(`${phase} ${done}\n`),
  });
}

void main();
