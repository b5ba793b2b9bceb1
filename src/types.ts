/** The element types of tensors, named as PyTorch names them, with their size in bytes. */
export const dtypeBytes = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int8: 1,
  uint8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  bool: 1,
  complex64: 8,
  complex128: 16,
} as const;

/** An element type, named as PyTorch names it. */
export type DType = keyof typeof dtypeBytes;

/** Whether `name` is an element type that this package supports. */
export function isDType(name: string): name is DType {
  return Object.hasOwn(dtypeBytes, name);
}

/** The dtype and shape of a tensor. */
export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** The layout of a tensor in memory: a strided view, with strides in elements. */
export interface TensorView extends TensorSpec {
  readonly stride: readonly number[];
}

/**
 * A module tree from which TorchScript is built. Modules of the same `type` share one TorchScript
 * class: they must have the same source and the same names of parameters, buffers, attributes and
 * submodules.
 */
export interface ModuleSpec {
  /** Name of the TorchScript class, e.g. `Bottleneck`. */
  readonly type: string;
  /** The methods, in TorchScript. Submodules are called as `self.conv1.forward(x)`. */
  readonly source: string;
  readonly parameters?: Readonly<Record<string, TensorSpec>>;
  readonly buffers?: Readonly<Record<string, TensorSpec>>;
  /** Integers become `int`, other numbers `float`; write an integral float as `{ float: 1 }`. */
  readonly attributes?: Readonly<Record<string, number | boolean | string | { float: number }>>;
  readonly modules?: Readonly<Record<string, ModuleSpec>>;
}

/** A decoded image: interleaved 8-bit samples, rows from the top. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** 1 gray, 2 gray with alpha, 3 RGB, 4 RGB with alpha (or CMYK, see `cmyk`). Alpha is dropped. */
  readonly channels: 1 | 2 | 3 | 4;
  /** Whether the four channels are cyan, magenta, yellow and black, 0 for no ink, as in Pillow. */
  readonly cmyk?: boolean;
}

/** From pixels to a network's input: resize the shorter side, crop the center, scale, normalize. */
export interface Transform {
  /** Length that the shorter side is resized to, in pixels; 1 to 4096. */
  readonly resize: number;
  /** The filter of the resize, antialiased as in Pillow; `'bilinear'` by default, as in torchvision. */
  readonly interpolation?: 'bilinear' | 'bicubic';
  /** Side of the square that is cropped, from the center by default, in pixels; at most `resize`. */
  readonly crop: number;
  /** Subtracted from each channel, after its values are scaled to 0..1. */
  readonly mean: readonly [number, number, number];
  /** Each channel is then divided by it. */
  readonly std: readonly [number, number, number];
}

/**
 * Which squares of the resized image a model sees: the center; the center and its mirror image; the four corners and
 * the center; or these five and those of the mirrored image. The last two are torchvision's `FiveCrop` and `TenCrop`.
 */
export type Views = 'center' | 'flip' | 'five-crop' | 'ten-crop';

/** The transform of a batch, which has one row per view of an image. */
export interface BatchTransform extends Transform {
  /** `'center'` by default. */
  readonly views?: Views;
}
