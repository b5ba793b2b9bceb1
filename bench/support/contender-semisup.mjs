// The contender of cpu.mjs that runs semisup.
//   node contender-semisup.mjs MODEL.pt INPUT THREADS OPTIONS
import { Classifier, Tensor } from '../../lib/index.js';
import { serveForwards } from './serve-forwards.mjs';

const [path, input, threads, options] = process.argv.slice(2);

await serveForwards(input, async () => {
  const model = await Classifier.open(path, { threads: Number(threads), ...JSON.parse(options) });
  return {
    tensor: Tensor.from,
    forward: async (tensor) => {
      const output = await model.forward(tensor);
      const logits = await output.data();
      output.dispose();
      return logits;
    },
    plan: () => model.plan,
  };
});
