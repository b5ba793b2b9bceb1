// Searches an index of random vectors. Arguments: the number of vectors, their dimensions, the precision, the threads,
// the queries per call. Responds to each request with the milliseconds of several calls.
import { ImageIndex } from '../../lib/index.js';
import { serve } from './serve.mjs';

const [count, dimensions, , threads, queries] = process.argv.slice(2).map(Number);
const precision = process.argv[4];
const random = () => Float32Array.from({ length: dimensions }, () => Math.random() - 0.5);

await serve(async () => {
  const index = ImageIndex.create({ dimensions, precision, threads });
  // Repeated: the values do not affect the speed.
  const vectors = Array.from({ length: 1000 }, random);
  for (let first = 0; first < count; first += vectors.length) {
    await index.add(vectors.map((embedding, i) => ({ id: `${first + i}`, embedding })));
  }
  const handle = async () => {
    const milliseconds = [];
    for (let call = 0; call < 6; call++) {
      const batch = Array.from({ length: queries }, random);
      const began = performance.now();
      await index.search(queries === 1 ? batch[0] : batch, { topk: 10 });
      // The first call is not counted.
      if (call > 0) milliseconds.push(performance.now() - began);
    }
    return { milliseconds };
  };
  return { handle };
});
