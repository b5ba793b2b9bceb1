// Classifies images and prints their similarity to the first one.
//   node examples/classify.mjs a.jpg b.jpg …
import { hub, ImageError } from 'semisup';

const images = process.argv.slice(2);
const model = await hub.load('resnet50_swsl');

let first;
for (const image of images) {
  try {
    const [best] = await model.classify(image, { topk: 1 });
    const features = await model.embed(image);
    first ??= features;
    const percent = (100 * best.score).toFixed(1);
    console.log(
      `${image}: ${best.label} (${percent} %), similarity ${cosine(first, features).toFixed(2)}`,
    );
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    console.error(`${image} was skipped: ${error.what}`);
  }
}
await model.close();

/** Cosine similarity of two vectors. */
function cosine(a, b) {
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
