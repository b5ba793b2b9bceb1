import { invalidValue } from '../options';
import type { Transform } from '../types';

/** The longest side that an image may be resized to, in pixels. */
const maxSide = 4096;

/** Options that change the size of the images that a model sees. */
export interface InputOptions {
  /**
   * The side of the model's input in pixels, 1 to 4096; that of its transform by default, e.g. 224. Accuracy is often
   * highest somewhat above it (Touvron et al., "Fixing the train-test resolution discrepancy", 2019); time grows with its
   * square. Plans and compiled models in the cache are tuned for it. A compiled model that is opened from a file accepts
   * any size, with the algorithms that were fastest at the size that it was compiled for.
   */
  readonly size?: number;
  /**
   * The side of the input as a fraction of the shorter side of the resized image, above 0 and at most 1; that of its
   * transform by default, e.g. 0.875 for 224 of 256 pixels. timm's `crop_pct`: the shorter side is resized to
   * `floor(size / crop)`. With 1 the model sees the whole shorter side.
   */
  readonly crop?: number;
}

/** @throws OptionError if an option has an invalid value */
export function checkInputOptions({ size, crop }: InputOptions): void {
  if (size !== undefined && !(Number.isInteger(size) && size >= 1 && size <= maxSide)) {
    throw invalidValue('size', `an integer from 1 to ${maxSide}`, size);
  }
  if (crop !== undefined && !(Number.isFinite(crop) && crop > 0 && crop <= 1)) {
    throw invalidValue('crop', 'a number above 0 and at most 1', crop);
  }
}

/**
 * A transform for another size or crop.
 *
 * @throws OptionError if the image would be resized to more than 4096 pixels
 */
export function resizeInput(transform: Transform, { size, crop }: InputOptions): Transform {
  if (size === undefined && crop === undefined) return transform;
  const side = size ?? transform.crop;
  // Multiplied first, so that the crop of a transform of integers is exact.
  const resize = Math.floor(
    crop === undefined ? (side * transform.resize) / transform.crop : side / crop,
  );
  if (!(resize > maxSide)) return { ...transform, resize, crop: side };
  const [name, value] = crop === undefined ? ['size', size] : ['crop', crop];
  throw invalidValue(
    name,
    `a value with which images are resized to at most ${maxSide} pixels`,
    value,
  );
}
