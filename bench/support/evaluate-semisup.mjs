// The contenders of evaluate.mjs that run semisup: bare forwards of a batch, or an evaluation.
//   node evaluate-semisup.mjs forward|evaluate MODEL.pt IMAGES THREADS
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Classifier, Tensor, evaluate } from '../../lib/index.js';
import { serve } from './serve.mjs';

const [what, path, images, threads] = process.argv.slice(2);
/** Batches of eight are the fastest, and as large as the evaluation's. */
const batch = 8;

const model = await Classifier.open(path, { threads: Number(threads), plan: 'tune' });
const names = readdirSync(images).filter((name) => /\.jpe?g$/i.test(name));
/** How often each image is evaluated in a run, so that its start and end count little. */
const repetitions = 3;
const count = repetitions * names.length;
// The labels do not matter: the weights are synthetic.
const dataset = {
  name: images,
  size: count,
  async *samples() {
    for (let i = 0; i < count; i++) {
      yield { name: String(i), label: '0', image: join(images, names[i % names.length]) };
    }
  },
};
const input = Tensor.from(new Float32Array(batch * 3 * 224 * 224).fill(0.5), [batch, 3, 224, 224]);

async function run() {
  if (what === 'evaluate') {
    await evaluate(model, dataset);
    return count;
  }
  const runs = Math.ceil(count / batch);
  for (let i = 0; i < runs; i++) (await model.forward(input)).dispose();
  return runs * batch;
}

await run();
await serve(async () => ({
  handle: async () => {
    const delays = monitorEventLoopDelay({ resolution: 1 });
    delays.enable();
    const began = performance.now();
    const count = await run();
    const values = [(performance.now() - began) / count];
    delays.disable();
    return { values, delay: delays.percentile(99) / 1e6 };
  },
}));
