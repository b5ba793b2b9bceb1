import type { FinetuneOptions } from '../train';

/** The learning rate of a training with SGD and its schedule, as the paper has them for a number of epochs and a batch. */
export type Recipe = (
  epochs: number,
  batchSize: number,
) => Pick<FinetuneOptions, 'lr' | 'schedule'>;

/** The images of a batch that the paper's learning rates belong to: they grow with the batch (Goyal et al., 2017). */
const referenceBatch = 256;

/** Pre-training: 0.1 for 256 images, halved at 13 equally spaced moments. */
export const pretrainRecipe: Recipe = (epochs, batchSize) =>
  dropping(epochs, 13, 0.5, (0.1 * batchSize) / referenceBatch);

/** Fine-tuning: 0.00025 for 256 images, divided by 10 at three equally spaced moments. */
export const finetuneRecipe: Recipe = (epochs, batchSize) =>
  dropping(epochs, 3, 0.1, (0.00025 * batchSize) / referenceBatch);

function dropping(epochs: number, drops: number, gamma: number, lr: number): ReturnType<Recipe> {
  const milestones = Array.from({ length: drops }, (_, i) => ((i + 1) * epochs) / (drops + 1));
  return { lr, schedule: { milestones, gamma } };
}

/** Options with defaults and, unless the optimizer is another one, the learning rates of a recipe. */
export function withRecipe<
  Options extends Partial<FinetuneOptions>,
  Defaults extends Required<Pick<FinetuneOptions, 'epochs' | 'batchSize'>>,
>(recipe: Recipe | undefined, defaults: Defaults, options: Options): Defaults & Options {
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as Options;
  const { epochs, batchSize, accumulate = 1, optimizer } = { ...defaults, ...given };
  const rates = optimizer === 'adamw' ? undefined : recipe?.(epochs, batchSize * accumulate);
  return { ...defaults, ...rates, ...given };
}
