import { OptionError } from '../errors';
import type { CropOperation, PaddingMode } from '../native';
import { checkOptionNames, invalidValue } from '../options';
import { checkInteger } from './check';
import { integer, type RandomGenerator } from './random';
import type { ImageSize } from './size';

/**
 * A crop of the input's size from a random place of the padded image, which is not resized: torchvision's
 * `RandomCrop`. For images of the input's size, such as those of CIFAR.
 */
export interface RandomCropOptions {
  /** Pixels that are added to each side, at most the input's size. */
  readonly padding: number;
  /** What they show: black (`'constant'`, the default), or the image mirrored at its edge (`'reflect'`). */
  readonly paddingMode?: PaddingMode;
}

const modes = ['constant', 'reflect'];

/** @throws OptionError if an option is unknown or invalid */
export function completeRandomCrop(
  options: RandomCropOptions,
  size: number,
): Required<RandomCropOptions> {
  checkOptionNames(options, ['padding', 'paddingMode'], 'augment.crop');
  const { padding, paddingMode = 'constant' } = options;
  checkInteger('augment.crop.padding', padding, 0, size);
  if (!modes.includes(paddingMode)) {
    throw invalidValue('augment.crop.paddingMode', `'constant' or 'reflect'`, paddingMode);
  }
  return { padding, paddingMode };
}

/** @throws OptionError if the padded image is smaller than the crop */
export function sampleCrop(
  random: RandomGenerator,
  { width, height }: ImageSize,
  { padding, paddingMode }: Required<RandomCropOptions>,
  size: number,
): CropOperation {
  const [rows, columns] = [height + 2 * padding - size, width + 2 * padding - size];
  if (rows < 0 || columns < 0) {
    throw new OptionError('ERR_SEMISUP_OPTION_VALUE', {
      what: `Expected images of at least ${size - 2 * padding} x ${size - 2 * padding} pixels for a crop of ${size} x ${size} pixels with a padding of ${padding}, but received one of ${width} x ${height} pixels.`,
      remedy:
        'Increase augment.crop.padding, or crop by scale and ratio, which resizes the images.',
      value: { width, height },
    });
  }
  const top = integer(random, 0, rows) - padding;
  const left = integer(random, 0, columns) - padding;
  return { top, left, height: size, width: size, paddingMode };
}
