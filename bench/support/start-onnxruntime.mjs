// The contender of start.mjs that runs sharp and ONNX Runtime.
//   node start-onnxruntime.mjs IMAGE THREADS MODEL.onnx…
import { memoryOf } from './memory.mjs';

const before = memoryOf();
const [image, threads, ...paths] = process.argv.slice(2);
const { prepareWith, topk } = await import('./onnxruntime-images.mjs');
const { openSession } = await import('./onnxruntime.mjs');
const { serveStart } = await import('./serve-start.mjs');

await serveStart(paths, image, before, async (path) => {
  const { session, Tensor } = await openSession(path, Number(threads));
  return async (file) => {
    const { y } = await session.run({ x: await prepareWith(Tensor, [file]) });
    return topk(y.data)[0].index;
  };
});
