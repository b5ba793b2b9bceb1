/** A rectangle of an image, in pixels. */
export interface CropRectangle {
  /** The first row. */
  readonly top: number;
  /** The first column. */
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * From an image to size x size pixels: the rectangle, resized (torchvision's `resized_crop`), or the center of the
 * image after its shorter side is resized to `resize` pixels (`Resize` and `CenterCrop`).
 */
export type CropOperation =
  | (CropRectangle & {
      /**
       * What the rectangle shows beyond the image, at most `size` pixels on each side: black (`'constant'`, the
       * default), or the image mirrored at its edge (`'reflect'`).
       */
      readonly paddingMode?: PaddingMode;
    })
  | {
      /** In pixels; at least `size`. */
      readonly resize: number;
    };

/** How an image is padded, as torchvision names it. */
export type PaddingMode = 'constant' | 'reflect';

/**
 * A change of an image whose size remains, bit-exact with torchvision's function on a PIL image.
 *
 * - `hflip`, `autocontrast`, `equalize`
 * - `brightness`, `contrast`, `saturation`, `sharpness`: `value` is the factor of `adjust_brightness` etc., at least 0;
 *   1 changes nothing
 * - `hue`: `value` is the factor of `adjust_hue`, in turns, in [-0.5, 0.5]
 * - `shearX`, `shearY`: `value` is the slope, in [-1, 1]
 * - `translateX`, `translateY`: `value` is a whole number of pixels
 * - `rotate`: `value` is the angle in degrees, counterclockwise, in [-360, 360]
 * - `posterize`: `value` is the number of bits to keep, 1 to 8
 * - `solarize`: `value` is the lowest sample to invert, in [0, 256]
 *
 * Geometric operations take the nearest pixel, and fill with black.
 */
export type Operation =
  | { readonly name: 'hflip' | 'autocontrast' | 'equalize' }
  | { readonly name: ValueOperationName; readonly value: number };

/** The names of operations with a parameter. */
export type ValueOperationName =
  | 'brightness'
  | 'contrast'
  | 'saturation'
  | 'sharpness'
  | 'hue'
  | 'shearX'
  | 'shearY'
  | 'translateX'
  | 'translateY'
  | 'rotate'
  | 'posterize'
  | 'solarize';

/** The operations of an image, in their order. */
export type Operations = readonly [CropOperation, ...Operation[]];
