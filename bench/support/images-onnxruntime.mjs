// The contender of end-to-end.mjs that runs sharp and ONNX Runtime, as an expert in both would use them.
//   node images-onnxruntime.mjs MODEL.onnx IMAGES THREADS
import { prepareWith, topk } from './onnxruntime-images.mjs';
import { openSession } from './onnxruntime.mjs';
import { serveImages } from './serve-images.mjs';

const [path, folder, threads] = process.argv.slice(2);
const batchSize = 8;

await serveImages(folder, async () => {
  const { session, Tensor } = await openSession(path, Number(threads));

  const prepare = (images) => prepareWith(Tensor, images);

  async function classify(images) {
    const predictions = [];
    let next = prepare(images.slice(0, batchSize));
    for (let start = 0; start < images.length; start += batchSize) {
      const x = await next;
      const following = images.slice(start + batchSize, start + 2 * batchSize);
      // sharp's threads decode the next batch while this one runs.
      if (following.length > 0) next = prepare(following);
      const { y } = await session.run({ x });
      const classes = y.dims[1];
      for (let row = 0; row < y.dims[0]; row++) {
        predictions.push(topk(y.data.subarray(row * classes, (row + 1) * classes)));
      }
    }
    return predictions;
  }

  return async (images) => (await classify(images)).map(([best]) => best);
});
