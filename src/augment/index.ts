export type { ColorJitterOptions } from './color-jitter';
export {
  completeAugment,
  sampleOperations,
  type AugmentOptions,
  type AugmentPolicy,
  type InputSize,
} from './policy';
export type { RandAugmentOptions } from './rand-augment';
export {
  happens,
  integer,
  randomOf,
  shuffle,
  uniform,
  type NumberRange,
  type RandomGenerator,
  type SampleSeed,
} from './random';
export type { RandomCropOptions } from './random-crop';
export type { RandomResizedCropOptions } from './random-resized-crop';
