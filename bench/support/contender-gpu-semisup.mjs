// The contender of gpu.mjs that runs semisup.
//   node contender-gpu-semisup.mjs MODEL.pt INPUT OPTIONS
import { readFileSync } from 'node:fs';
import { Classifier, Tensor } from '../../lib/index.js';
import { serve } from './serve.mjs';

const [path, inputPath, options] = process.argv.slice(2);
const side = 224;

/** A batch of images on the GPU, which repeats the images of the file. */
function toInput(images, batch) {
  const size = 3 * side * side;
  const values = new Float32Array(batch * size);
  for (let i = 0; i < batch; i++) {
    const offset = (i % (images.length / size)) * size;
    values.set(images.subarray(offset, offset + size), i * size);
  }
  const tensor = Tensor.from(values, [batch, 3, side, side]);
  const onDevice = tensor.to({ device: process.env.SEMISUP_BENCH_DEVICE ?? 'cuda' });
  tensor.dispose();
  return onDevice;
}

await serve(async () => {
  const device = process.env.SEMISUP_BENCH_DEVICE;
  const model = await Classifier.open(path, { ...JSON.parse(options), ...(device && { device }) });
  const bytes = readFileSync(inputPath);
  const images = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  let input;
  return { handle };

  async function handle({ batch, runs, logits }) {
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
    const details = logits ? { logits: [...(await output.data())], plan: model.plan } : {};
    output.dispose();
    return { milliseconds, ...details };
  }
});
