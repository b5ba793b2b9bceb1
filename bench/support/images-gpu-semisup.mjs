// The contender of gpu-images.mjs that runs semisup.
//   node images-gpu-semisup.mjs MODEL.pt IMAGES TIMES OPTIONS
import { Classifier } from '../../lib/index.js';
import { serveImages } from './serve-images.mjs';

const [path, folder, times, options] = process.argv.slice(2);

await serveImages(folder, async () => {
  const model = await Classifier.open(path, JSON.parse(options));
  return async (images) => {
    const repeated = Array.from({ length: Number(times) }, () => images).flat();
    const predictions = await model.classify(repeated);
    return predictions.slice(0, images.length).map(([best]) => best);
  };
});
