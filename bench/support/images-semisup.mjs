// The contender of end-to-end.mjs that runs semisup.
//   node images-semisup.mjs MODEL.pt IMAGES THREADS PLAN
import { Classifier } from '../../lib/index.js';
import { serveImages } from './serve-images.mjs';

const [path, folder, threads, plan] = process.argv.slice(2);

await serveImages(folder, async () => {
  const model = await Classifier.open(path, { threads: Number(threads), plan });
  return async (images) => {
    const predictions = await model.classify(images);
    return predictions.map(([best]) => best);
  };
});
