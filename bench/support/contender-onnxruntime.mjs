// The contender of cpu.mjs that runs ONNX Runtime in Node.
//   node contender-onnxruntime.mjs MODEL.onnx INPUT THREADS
import { openSession } from './onnxruntime.mjs';
import { serveForwards } from './serve-forwards.mjs';

const [path, input, threads] = process.argv.slice(2);

await serveForwards(input, async () => {
  const { session, Tensor } = await openSession(path, Number(threads));
  return {
    tensor: (values, shape) => new Tensor('float32', values, shape),
    forward: async (x) => (await session.run({ x })).y.data,
  };
});
