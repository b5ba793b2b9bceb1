import type { Operation, ValueOperationName } from '../native';
import { checkOptionNames } from '../options';
import { checkInteger } from './check';
import { happens, integer, type RandomGenerator } from './random';
import { roundHalfToEven } from './round';

/**
 * Random operations of one magnitude: torchvision's `RandAugment` (Cubuk, Zoph, Shlens and Le, 2019, "RandAugment:
 * Practical automated data augmentation with a reduced search space"), with the nearest pixel as interpolation and a
 * black fill.
 */
export interface RandAugmentOptions {
  /** The number of operations of an image; 2 by default. */
  readonly numOps?: number;
  /** The magnitude of all operations, from 0 to `numMagnitudeBins - 1`; 9 by default. */
  readonly magnitude?: number;
  /** The number of magnitudes; 31 by default. */
  readonly numMagnitudeBins?: number;
}

/** @throws OptionError if an option is unknown or invalid */
export function completeRandAugment(options: RandAugmentOptions): Required<RandAugmentOptions> {
  const names = ['numOps', 'magnitude', 'numMagnitudeBins'];
  checkOptionNames(options, names, 'augment.randAugment');
  const { numOps = 2, magnitude = 9, numMagnitudeBins = 31 } = options;
  checkInteger('augment.randAugment.numOps', numOps, 0, 100);
  checkInteger('augment.randAugment.numMagnitudeBins', numMagnitudeBins, 2, 1000);
  checkInteger('augment.randAugment.magnitude', magnitude, 0, numMagnitudeBins - 1);
  return { numOps, magnitude, numMagnitudeBins };
}

export function sampleRandAugment(
  random: RandomGenerator,
  options: Required<RandAugmentOptions>,
  size: number,
): Operation[] {
  const space = augmentationSpace(options, size);
  return Array.from({ length: options.numOps }, () => {
    const { operation, isSigned } = space[integer(random, 0, space.length - 1)]!;
    const isNegative = isSigned && happens(random, 0.5);
    return operation(isNegative ? -1 : 1);
  }).flat();
}

/** An operation that RandAugment chooses. */
export interface Candidate {
  /** Its name in torchvision. */
  readonly name: string;
  /** Whether the sign of the magnitude is random. */
  readonly isSigned: boolean;
  /** The operation of a sign; none for the identity. */
  readonly operation: (sign: 1 | -1) => readonly Operation[];
}

/** The operations of an image of `size` pixels, in torchvision's order. Magnitudes are float32, as in torchvision. */
export function augmentationSpace(
  { magnitude, numMagnitudeBins: bins }: Required<RandAugmentOptions>,
  size: number,
): Candidate[] {
  const linspace = (end: number) => float32Linspace(0, end, bins, magnitude);
  const fixed = (name: string, ...operations: Operation[]): Candidate => ({
    name,
    isSigned: false,
    operation: () => operations,
  });
  const signed = (
    name: string,
    operation: ValueOperationName,
    end: number,
    valueOf: (magnitude: number) => number,
  ): Candidate => ({
    name,
    isSigned: true,
    operation: (sign) => [{ name: operation, value: valueOf(sign * linspace(end)) }],
  });
  const asIs = (value: number) => value;
  const asFactor = (value: number) => 1 + value;
  const maxShift = (150 / 331) * size;
  const bits = 8 - roundHalfToEven(Math.fround(magnitude / Math.fround((bins - 1) / 4)));
  const threshold = float32Linspace(255, 0, bins, magnitude);
  return [
    fixed('Identity'),
    signed('ShearX', 'shearX', 0.3, asIs),
    signed('ShearY', 'shearY', 0.3, asIs),
    signed('TranslateX', 'translateX', maxShift, Math.trunc),
    signed('TranslateY', 'translateY', maxShift, Math.trunc),
    signed('Rotate', 'rotate', 30, asIs),
    signed('Brightness', 'brightness', 0.9, asFactor),
    signed('Color', 'saturation', 0.9, asFactor),
    signed('Contrast', 'contrast', 0.9, asFactor),
    signed('Sharpness', 'sharpness', 0.9, asFactor),
    fixed('Posterize', { name: 'posterize', value: bits }),
    fixed('Solarize', { name: 'solarize', value: threshold }),
    fixed('AutoContrast', { name: 'autocontrast' }),
    fixed('Equalize', { name: 'equalize' }),
  ];
}

/** `torch.linspace(start, end, steps)[index]`, which counts from the nearer end, in float32. */
function float32Linspace(start: number, end: number, steps: number, index: number): number {
  const { fround } = Math;
  const [first, last] = [fround(start), fround(end)];
  const step = fround(fround(last - first) / (steps - 1));
  if (index < Math.floor(steps / 2)) return fround(first + fround(step * index));
  return fround(last - fround(step * (steps - index - 1)));
}
