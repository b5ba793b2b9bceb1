import type { Operation, Operations } from '../native';
import { checkOptionNames, invalidValue } from '../options';
import {
  completeColorJitter,
  sampleColorJitter,
  type ColorJitter,
  type ColorJitterOptions,
} from './color-jitter';
import { completeRandAugment, sampleRandAugment, type RandAugmentOptions } from './rand-augment';
import { completeRandomCrop, sampleCrop, type RandomCropOptions } from './random-crop';
import {
  completeRandomResizedCrop,
  sampleResizedCrop,
  type RandomResizedCropOptions,
} from './random-resized-crop';
import { isIn } from './check';
import { happens, randomOfSample, type SampleSeed } from './random';
import type { ImageSize } from './size';

/** How training images are changed at random, in the order of the options. */
export interface AugmentOptions {
  /**
   * From an image to the model's input: a crop of random area and aspect ratio (the default, with `{ scale, ratio }`),
   * the center as when the model is used (`'center'`), or, for images of the input's size, a crop from a random place
   * of the padded image (`{ padding, paddingMode }`; `'pad'` for 4 black pixels on each side, as is usual for CIFAR).
   */
  readonly crop?: 'center' | 'pad' | RandomResizedCropOptions | RandomCropOptions;
  /** The probability that an image is mirrored; 0.5 by default. */
  readonly flip?: number;
  /** Random changes of colors; none by default. */
  readonly colorJitter?: ColorJitterOptions;
  /** Random operations of one magnitude; none by default, `{}` for those of torchvision's defaults. */
  readonly randAugment?: RandAugmentOptions;
}

/** The size of a model's input. */
export interface InputSize {
  /** The side of the input, in pixels. */
  readonly size: number;
  /** The length that the shorter side of an image is resized to before its center is cropped, in pixels. */
  readonly resize: number;
}

/** Checked options, with their defaults. */
export interface AugmentPolicy extends InputSize {
  readonly crop:
    | { readonly kind: 'center' }
    | { readonly kind: 'resized'; readonly options: Required<RandomResizedCropOptions> }
    | { readonly kind: 'padded'; readonly options: Required<RandomCropOptions> };
  readonly flip: number;
  readonly colorJitter: ColorJitter;
  readonly randAugment: Required<RandAugmentOptions> | undefined;
}

/** @throws OptionError if an option is unknown or invalid */
export function completeAugment(
  options: AugmentOptions = {},
  { size, resize }: InputSize,
): AugmentPolicy {
  checkOptionNames(options, ['crop', 'flip', 'colorJitter', 'randAugment'], 'augment');
  const { crop = {}, flip = 0.5, colorJitter = {}, randAugment } = options;
  if (typeof flip !== 'number' || !isIn([0, 1], flip)) {
    throw invalidValue('augment.flip', 'a probability from 0 to 1', flip);
  }
  return {
    ...{ size, resize, flip },
    crop: completeCrop(crop, size),
    colorJitter: completeColorJitter(colorJitter),
    randAugment: randAugment && completeRandAugment(randAugment),
  };
}

function completeCrop(
  crop: NonNullable<AugmentOptions['crop']>,
  size: number,
): AugmentPolicy['crop'] {
  if (crop === 'center') return { kind: 'center' };
  if (crop === 'pad') return completeCrop({ padding: 4 }, size);
  if (typeof crop !== 'object' || crop === null) {
    const expected = `'center', 'pad', { scale, ratio } or { padding, paddingMode }`;
    throw invalidValue('augment.crop', expected, crop);
  }
  if ('padding' in crop) return { kind: 'padded', options: completeRandomCrop(crop, size) };
  return { kind: 'resized', options: completeRandomResizedCrop(crop) };
}

/**
 * Samples the operations of an image in an epoch. The same arguments yield the same operations.
 *
 * @throws OptionError if the image is smaller than a crop of its padded pixels
 */
export function sampleOperations(
  { crop, flip, colorJitter, randAugment, size, resize }: AugmentPolicy,
  image: ImageSize,
  seed: SampleSeed,
): Operations {
  const random = randomOfSample(seed);
  const cropOperation = () => {
    if (crop.kind === 'center') return { resize };
    if (crop.kind === 'padded') return sampleCrop(random, image, crop.options, size);
    return sampleResizedCrop(random, image, crop.options);
  };
  const mirror: Operation[] = [{ name: 'hflip' }];
  return [
    cropOperation(),
    ...(happens(random, flip) ? mirror : []),
    ...sampleColorJitter(random, colorJitter),
    ...(randAugment ? sampleRandAugment(random, randAugment, size) : []),
  ];
}
