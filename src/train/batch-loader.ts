import { sampleOperations, type AugmentPolicy } from '../augment';
import { augmentImages, Tensor, type Executor } from '../native';
import type { Transform } from '../types';
import type { TrainingSet } from './training-set';

/** The batches that are prepared while another one is trained on. */
const batchesAhead = 2;

/** A batch to train on. */
export interface Batch {
  /** float32 [n, 3, size, size] */
  readonly images: Tensor<'float32'>;
  /** int64 [n] */
  readonly targets: Tensor<'int64'>;
  readonly count: number;
}

/** Prepares batches of augmented images. */
export class BatchLoader {
  readonly #set: TrainingSet;
  readonly #executor: Executor;
  readonly #policy: AugmentPolicy;
  readonly #transform: Transform;
  readonly #seed: number;

  /** @param executor what the images are augmented on */
  constructor(
    set: TrainingSet,
    executor: Executor,
    policy: AugmentPolicy,
    transform: Transform,
    seed: number,
  ) {
    this.#set = set;
    this.#executor = executor;
    this.#policy = policy;
    this.#transform = transform;
    this.#seed = seed;
  }

  /**
   * The batches of an epoch in their order; further ones are prepared meanwhile. The caller disposes the tensors.
   *
   * @param batches the indices of the images of each
   */
  async *load(batches: readonly (readonly number[])[], epoch: number): AsyncGenerator<Batch> {
    const pending: Promise<Batch>[] = [];
    let next = 0;
    const prepare = () => {
      if (next === batches.length) return;
      const batch = this.#prepare(batches[next++]!, epoch);
      // A failure is reported when its turn comes.
      batch.catch(() => undefined);
      pending.push(batch);
    };
    try {
      for (let i = 0; i <= batchesAhead; i++) prepare();
      for (let batch = pending.shift(); batch; batch = pending.shift()) {
        const loaded = await batch;
        prepare();
        yield loaded;
      }
    } finally {
      for (const batch of pending) batch.then(disposeBatch, () => undefined);
    }
  }

  async #prepare(indices: readonly number[], epoch: number): Promise<Batch> {
    const images = await Promise.all(
      indices.map(async (index) => {
        const pixels = await this.#set.decode(index);
        const seed = { seed: this.#seed, epoch, index };
        return { pixels, operations: sampleOperations(this.#policy, pixels, seed) };
      }),
    );
    const { interpolation, mean, std } = this.#transform;
    const labels = indices.map((index) => BigInt(this.#set.images[index]!.label));
    return {
      images: await augmentImages(
        this.#executor,
        images.map(({ pixels }) => pixels),
        images.map(({ operations }) => operations),
        { size: this.#policy.size, interpolation, mean, std },
      ),
      targets: Tensor.from(BigInt64Array.from(labels), [labels.length]),
      count: labels.length,
    };
  }
}

export function disposeBatch({ images, targets }: Batch): void {
  images.dispose();
  targets.dispose();
}
