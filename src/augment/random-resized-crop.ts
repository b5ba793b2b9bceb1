import type { CropRectangle } from '../native';
import { checkOptionNames } from '../options';
import { checkRange } from './check';
import { integer, uniform, type RandomGenerator, type NumberRange } from './random';
import { roundHalfToEven } from './round';
import type { ImageSize } from './size';

/** A crop of random area and aspect ratio, resized to the input's size: torchvision's `RandomResizedCrop`. */
export interface RandomResizedCropOptions {
  /** The lowest and highest area of the crop, relative to that of the image; `[0.08, 1]` by default. */
  readonly scale?: NumberRange;
  /** The lowest and highest ratio of its width to its height; `[3 / 4, 4 / 3]` by default. */
  readonly ratio?: NumberRange;
}

/** How often a crop that fits is tried to sample. */
const attempts = 10;

/** Ratios beyond make crops of one pixel of width or height of any image. */
const ratioLimits = [1e-4, 1e4] as const;

/** @throws OptionError if an option is unknown or invalid */
export function completeRandomResizedCrop(
  options: RandomResizedCropOptions,
): Required<RandomResizedCropOptions> {
  checkOptionNames(options, ['scale', 'ratio'], 'augment.crop');
  const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3] } = options;
  checkRange('augment.crop.scale', scale, [0, 1]);
  checkRange('augment.crop.ratio', ratio, ratioLimits);
  return { scale: [...scale], ratio: [...ratio] };
}

/** A crop that fits into the image; if none of ten does, the largest central one whose ratio is in the range. */
export function sampleResizedCrop(
  random: RandomGenerator,
  { width: imageWidth, height: imageHeight }: ImageSize,
  { scale, ratio }: Required<RandomResizedCropOptions>,
): CropRectangle {
  const logRatio = [Math.log(ratio[0]), Math.log(ratio[1])] as const;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const area = imageWidth * imageHeight * uniform(random, scale);
    const aspect = Math.exp(uniform(random, logRatio));
    const width = roundHalfToEven(Math.sqrt(area * aspect));
    const height = roundHalfToEven(Math.sqrt(area / aspect));
    if (width < 1 || height < 1 || width > imageWidth || height > imageHeight) continue;
    const top = integer(random, 0, imageHeight - height);
    const left = integer(random, 0, imageWidth - width);
    return { top, left, height, width };
  }
  return centralCrop({ width: imageWidth, height: imageHeight }, ratio);
}

function centralCrop(image: ImageSize, [lowest, highest]: NumberRange): CropRectangle {
  const aspect = image.width / image.height;
  let { width, height } = image;
  // torchvision rounds to 0 in images of few pixels, and fails.
  if (aspect < lowest) height = Math.max(1, roundHalfToEven(width / lowest));
  else if (aspect > highest) width = Math.max(1, roundHalfToEven(height * highest));
  const top = Math.floor((image.height - height) / 2);
  const left = Math.floor((image.width - width) / 2);
  return { top, left, height, width };
}
