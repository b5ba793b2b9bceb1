/**
 * The algorithm of a convolution in a plan:
 *
 * - `'onednn'`: LibTorch's own, by oneDNN.
 * - `'direct'`: direct convolution; in bfloat16 and int8 only with the instruction sets that have a kernel for them.
 * - `'pointwise'`: a matrix product, for 1x1 kernels.
 * - `'grouped'`: direct convolution in groups of few channels.
 * - `'depthwise'`: direct convolution of each channel on its own.
 * - `'winograd2x2'`, `'winograd4x4'`: Winograd's minimal filtering F(2x2, 3x3) and F(4x4, 3x3), for 3x3
 *   kernels with stride 1 (Lavin and Gray, 2015, "Fast algorithms for convolutional neural networks").
 *
 * All but oneDNN's require AVX2 and FMA or, on Arm, NEON.
 */
export type ConvolutionAlgorithm = (typeof algorithms)[number];

const algorithms = [
  'onednn',
  'direct',
  'pointwise',
  'grouped',
  'depthwise',
  'winograd2x2',
  'winograd4x4',
] as const;

/** The algorithms of a plan's convolutions, in the order of execution. */
export interface PlanChoices {
  /** For one image on all threads. */
  readonly latency: { readonly algorithms: readonly ConvolutionAlgorithm[] };
  /** For a batch, which runs as sub-batches, one on each thread. */
  readonly throughput: {
    readonly algorithms: readonly ConvolutionAlgorithm[];
    /** Images per sub-batch; 0 if batches run fastest one image at a time on all threads. */
    readonly subBatch: number;
  };
}

/** The speed of a plan's choices on this machine. */
export interface PlanMeasurements {
  /** Milliseconds per image, for one image on all threads. */
  readonly latency: number;
  /** Images per second of a batch, by the number of images per sub-batch. */
  readonly throughput: Readonly<Record<string, number>>;
}

/** Whether a value of unknown origin, such as a parsed file, has the form of `PlanChoices`. */
export function isPlanChoices(value: unknown): value is PlanChoices {
  const { latency, throughput } = (value ?? {}) as Partial<PlanChoices>;
  const subBatch: unknown = throughput?.subBatch;
  return (
    areAlgorithms(latency?.algorithms) &&
    areAlgorithms(throughput?.algorithms) &&
    Number.isInteger(subBatch) &&
    (subBatch as number) >= 0 &&
    (subBatch as number) <= maxSubBatch
  );
}

const maxSubBatch = 64;

function areAlgorithms(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => algorithms.includes(name as never));
}
