import type { Executor } from './executor';
import type { Tensor } from './tensor';

/** The k most probable classes of n rows of logits. */
export interface TopK {
  /** n·k class indices, the most probable first in each row. */
  readonly indices: Int32Array;
  /** Their probabilities. */
  readonly scores: Float32Array;
}

/** Softmax and top-k of logits [n, classes], on the executor's threads. */
export async function topk(executor: Executor, logits: Tensor, k: number): Promise<TopK> {
  return await executor.native.topk(executor.handle, logits.handle, k);
}
