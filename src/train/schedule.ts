/** How the learning rate changes after the warm-up. */
export type Schedule =
  | 'constant'
  | 'cosine'
  | {
      /** The epochs, which may be fractions, at which the learning rate is multiplied by `gamma`. */
      readonly milestones: readonly number[];
      /** 0.1 by default. */
      readonly gamma?: number;
    };

/** The updates of a training. */
export interface UpdateCounts {
  readonly total: number;
  readonly perEpoch: number;
  /** Those during which the learning rate rises. */
  readonly warmup: number;
}

/** Where the warm-up begins, as in torchvision's reference training. */
const startFactor = 0.01;

/**
 * The learning rate of an update, divided by the highest one. As PyTorch's `SequentialLR` of `LinearLR`, with
 * `start_factor=0.01`, and `CosineAnnealingLR`, `MultiStepLR` or `ConstantLR`, with a step of the scheduler after each
 * update; milestones are counted from the first update, with the warm-up.
 *
 * @param update from 0
 */
export function learningRateFactor(
  schedule: Schedule,
  update: number,
  { total, perEpoch, warmup }: UpdateCounts,
): number {
  if (update < warmup) return startFactor + ((1 - startFactor) * update) / warmup;
  if (schedule === 'constant') return 1;
  if (schedule === 'cosine') {
    const progress = (update - warmup) / Math.max(1, total - warmup);
    return (1 + Math.cos(Math.PI * progress)) / 2;
  }
  const { milestones, gamma = 0.1 } = schedule;
  const passed = milestones.filter((epoch) => update >= Math.round(epoch * perEpoch)).length;
  return gamma ** passed;
}
