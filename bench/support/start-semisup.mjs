// The contender of start.mjs that runs compiled models.
//   node start-semisup.mjs IMAGE THREADS MODEL.semisup…
import { memoryOf } from './memory.mjs';

const before = memoryOf();
const [image, threads, ...paths] = process.argv.slice(2);
const { Classifier } = await import('../../lib/index.js');
const { serveStart } = await import('./serve-start.mjs');

await serveStart(paths, image, before, async (path) => {
  const model = await Classifier.open(path, { threads: Number(threads) });
  return async (file) => (await model.classify(file))[0].index;
});
