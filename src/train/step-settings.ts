import { randomOf } from '../augment';
import type { StepSettings } from '../torch';
import type { TrainingSettings } from './finetune-options';
import { sampleMix } from './mixing';
import { learningRateFactor, type UpdateCounts } from './schedule';

/** A batch of a training. */
export interface Step {
  /** From 0. */
  readonly epoch: number;
  /** Its number within the epoch, from 0. */
  readonly index: number;
  /** The number of its images, and their side in pixels. */
  readonly count: number;
  readonly side: number;
}

/** The batches and updates of an epoch, and of a training. */
export interface StepCounts extends UpdateCounts {
  readonly stepsPerEpoch: number;
}

/** @param images the number of images of an epoch */
export function countSteps(
  images: number,
  { batchSize, accumulate, epochs, warmupEpochs }: TrainingSettings,
): StepCounts {
  const stepsPerEpoch = Math.ceil(images / batchSize);
  const perEpoch = Math.ceil(stepsPerEpoch / accumulate);
  const warmup = Math.round(warmupEpochs * perEpoch);
  return { stepsPerEpoch, perEpoch, warmup, total: epochs * perEpoch };
}

/** How a batch is trained on. All of it depends on the settings and the batch's place alone. */
export function stepSettings(
  settings: TrainingSettings,
  { stepsPerEpoch, ...counts }: StepCounts,
  { epoch, index, count, side }: Step,
): StepSettings {
  const { seed, accumulate, schedule } = settings;
  const step = epoch * stepsPerEpoch + index;
  const group = Math.floor(index / accumulate);
  // The last batches of an epoch may be fewer.
  const end = Math.min((group + 1) * accumulate, stepsPerEpoch);
  const update = epoch * counts.perEpoch + group;
  return {
    lr: settings.lr * learningRateFactor(schedule, update, counts),
    seed: randomOf(`step ${seed} ${step}`).next() >>> 0,
    lossScale: 1 / (end - group * accumulate),
    updates: index === end - 1,
    mix: sampleMix(settings, { seed, step, count, side }),
  };
}
