import type { Executor } from './executor';
import type { Tensor } from './tensor';

/** The k most probable classes of each of n rows of logits. */
export interface TopK {
  /** Class indices [n, k], row-major, most probable first. */
  readonly indices: Int32Array;
  /** Their probabilities [n, k]. */
  readonly probabilities: Float32Array;
}

/**
 * Computes softmax and top-k of logits [n, classes], on the executor's threads.
 *
 * @param temperatures the divisor of each row; 1 by default
 */
export async function softmaxTopk(
  executor: Executor,
  logits: Tensor,
  k: number,
  temperatures?: Float64Array,
): Promise<TopK> {
  return await executor.native.softmaxTopk(executor.handle, logits.handle, k, temperatures);
}
