// The contender of augment.mjs that runs semisup.
//   node augment-semisup.mjs IMAGES
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { completeAugment, sampleOperations } from '../../lib/augment/index.js';
import { decode } from '../../lib/image/index.js';
import { augmentImages, Executor, openEngine } from '../../lib/native/index.js';
import { serve } from './serve.mjs';

const [path] = process.argv.slice(2);
const size = 224;
const transform = { size, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
/** How often an operation is repeated, so that the rest of the call counts little. */
const repetitions = 20;
const runs = 3;

const executor = Executor.start(openEngine(), { threads: 1 });
const names = readdirSync(path).filter((name) => /\.jpe?g$/i.test(name));
const images = await Promise.all(names.map((name) => decode(join(path, name))));
const policy = completeAugment({ randAugment: {} }, { size, resize: 256 });

/** The microseconds of processor time of one image, of all threads together. */
async function measure(work) {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / images.length;
}

async function augment(operations) {
  (await augmentImages(executor, images, operations, transform)).dispose();
}

/** Includes the sampling, which Python does as well. */
async function timeSequence(epoch) {
  return await measure(async () => {
    await augment(
      images.map((image, index) => sampleOperations(policy, image, { seed: 0, epoch, index })),
    );
  });
}

async function timeOperation(operation) {
  const crop = { top: 0, left: 0, height: size, width: size };
  const repeated = Array.from({ length: repetitions }, () => operation);
  const without = await measure(() => augment(images.map(() => [crop])));
  const total = await measure(() => augment(images.map(() => [crop, ...repeated])));
  return (total - without) / repetitions;
}

await serve(async () => ({
  handle: async ({ operation }) => {
    const values = [];
    for (let run = 0; run < runs; run++) {
      values.push(operation ? await timeOperation(operation) : await timeSequence(run));
    }
    return { values };
  },
}));
