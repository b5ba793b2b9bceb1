import { setImmediate } from 'node:timers/promises';
import { hash } from './hash';

/** Number of values computed between yields to the event loop: about a millisecond of work. */
const slice = 2 ** 17;

/**
 * PyTorch's default initialization of `nn.Linear`: weights and biases uniform in ±1/√inputs, which
 * equals Kaiming uniform with a = √5. Deterministic for each seed, but the generator is not PyTorch's.
 *
 * @returns the weights [outputs, inputs], row-major, and the biases [outputs]
 */
export async function initializeHead(
  outputs: number,
  inputs: number,
  seed: number,
): Promise<{ weight: Float32Array; bias: Float32Array }> {
  const bound = 1 / Math.sqrt(inputs);
  const start = hash(seed);
  const values = new Float32Array(outputs * inputs + outputs);
  for (let i = 0; i < values.length; i++) {
    values[i] = bound * (hash(start + i) / 2 ** 31 - 1);
    if (i % slice === slice - 1) await setImmediate();
  }
  return {
    weight: values.subarray(0, outputs * inputs),
    bias: values.subarray(outputs * inputs),
  };
}
