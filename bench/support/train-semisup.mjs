// A contender of train.mjs: training steps on a batch of noise.
//   node train-semisup.mjs MODEL BATCH THREADS PRECISION
import { Tensor } from '../../lib/native/index.js';
import { ScriptModule } from '../../lib/torch/index.js';
import { serve } from './serve.mjs';

const [path, batch, threads, precision] = process.argv.slice(2);
const count = Number(batch);

await serve(async () => {
  const module = await ScriptModule.load(path, { threads: Number(threads), device: 'cpu' });
  const trainer = await module.trainer({
    optimizer: { name: 'sgd', momentum: 0.9, nesterov: true },
    groups: [{ names: Object.keys(await module.parameters()), lrScale: 1, weightDecay: 1e-4 }],
    ...{ evalModules: [], labelSmoothing: 0, clipNorm: 0, emaDecay: 0 },
    autocast: precision === 'bfloat16',
  });
  const values = Float32Array.from({ length: count * 3 * 224 * 224 }, () => Math.random() - 0.5);
  const images = Tensor.from(values, [count, 3, 224, 224]);
  const targets = Tensor.from(BigInt64Array.from({ length: count }, (_, i) => BigInt(i)));
  let seed = 0;
  const step = () =>
    trainer.step(images, targets, { lr: 0.001, seed: seed++, lossScale: 1, updates: true });
  await step();
  return {
    handle: async ({ steps }) => {
      const milliseconds = [];
      for (let i = 0; i < steps; i++) {
        const began = performance.now();
        await step();
        milliseconds.push(performance.now() - began);
      }
      return { milliseconds };
    },
  };
});
