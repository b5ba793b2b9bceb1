// The child-process side of a contender of cpu.mjs: times forwards from a tensor to an array of logits.
import { readFileSync } from 'node:fs';
import { serve } from './serve.mjs';

const pixels = 3 * 224 * 224;

/**
 * @param inputPath a file of float32 [n, 3, 224, 224]
 * @param open returns `tensor(values, shape)`, `forward(tensor)`, which resolves to an array, and optionally
 *   `plan()`
 */
export async function serveForwards(inputPath, open) {
  const bytes = readFileSync(inputPath);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  await serve(async () => {
    const { tensor, forward, plan } = await open();
    return { handle };

    async function handle({ batch, runs, logits }) {
      const input = tensor(values.slice(0, batch * pixels), [batch, 3, 224, 224]);
      const milliseconds = [];
      let output;
      for (let run = 0; run < runs; run++) {
        const began = performance.now();
        output = await forward(input);
        milliseconds.push(performance.now() - began);
      }
      input.dispose();
      return logits ? { milliseconds, logits: [...output], plan: plan?.() } : { milliseconds };
    }
  });
}
