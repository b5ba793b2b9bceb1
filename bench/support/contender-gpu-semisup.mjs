// A contender of gpu.mjs: semisup.
//   node contender-gpu-semisup.mjs MODEL.pt INPUT OPTIONS
import { readFileSync } from 'node:fs';
import { Classifier, Tensor } from '../../lib/index.js';
import { serve } from './serve.mjs';

const [path, inputPath, options] = process.argv.slice(2);
const side = 224;

/** So many images on the GPU, those of the file again and again. */
function toInput(images, batch) {
  const size = 3 * side * side;
  const values = new Float32Array(batch * size);
  for (let i = 0; i < batch; i++) {
    const from = (i % (images.length / size)) * size;
    values.set(images.subarray(from, from + size), i * size);
  }
  const tensor = Tensor.from(values, [batch, 3, side, side]);
  const there = tensor.to({ device: process.env.SEMISUP_BENCH_DEVICE ?? 'cuda' });
  tensor.dispose();
  return there;
}

await serve(async () => {
  const device = process.env.SEMISUP_BENCH_DEVICE;
  const model = await Classifier.open(path, { ...JSON.parse(options), ...(device && { device }) });
  const bytes = readFileSync(inputPath);
  const images = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  let input;
  return { answer };

  async function answer({ batch, runs, logits }) {
    if (input?.shape[0] !== batch) {
      input?.dispose();
      input = toInput(images, batch);
    }
    const milliseconds = [];
    let output;
    for (let run = 0; run < runs; run++) {
      output?.dispose();
      const began = performance.now();
      output = await model.forward(input);
      milliseconds.push(performance.now() - began);
    }
    const given = logits ? { logits: [...(await output.data())], plan: model.plan } : {};
    output.dispose();
    return { milliseconds, ...given };
  }
});
