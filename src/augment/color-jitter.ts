import type { Operation } from '../native';
import { checkOptionNames, invalidValue } from '../options';
import { checkRange, isIn } from './check';
import { shuffle, uniform, type RandomGenerator, type NumberRange } from './random';

/**
 * Random changes of colors, in a random order: torchvision's `ColorJitter`. Each is off by default. A number `x` is
 * short for `[max(0, 1 - x), 1 + x]`, that of `hue` for `[-x, x]`.
 */
export interface ColorJitterOptions {
  /** The lowest and highest factor of the brightness. */
  readonly brightness?: number | NumberRange;
  /** The lowest and highest factor of the contrast. */
  readonly contrast?: number | NumberRange;
  /** The lowest and highest factor of the saturation. */
  readonly saturation?: number | NumberRange;
  /** The lowest and highest rotation of the hue, in turns; at least -0.5 and at most 0.5. */
  readonly hue?: number | NumberRange;
}

/** The ranges of the changes that are on. */
export type ColorJitter = Readonly<Partial<Record<JitterName, NumberRange>>>;

type JitterName = keyof ColorJitterOptions;

const names: readonly JitterName[] = ['brightness', 'contrast', 'saturation', 'hue'];
const hueLimits = [-0.5, 0.5] as const;
/** Larger factors only saturate more. */
const factorLimits = [0, 1e6] as const;

/** @throws OptionError if an option is unknown or invalid */
export function completeColorJitter(options: ColorJitterOptions): ColorJitter {
  checkOptionNames(options, names, 'augment.colorJitter');
  const jitter: Partial<Record<JitterName, NumberRange>> = {};
  for (const name of names) {
    const range = completeRange(name, options[name]);
    const neutral = name === 'hue' ? 0 : 1;
    if (range.some((bound) => bound !== neutral)) jitter[name] = range;
  }
  return jitter;
}

function completeRange(name: JitterName, value: number | NumberRange = 0): NumberRange {
  const option = `augment.colorJitter.${name}`;
  const limits = name === 'hue' ? hueLimits : factorLimits;
  if (typeof value !== 'number') {
    checkRange(option, value, limits);
    return [value[0], value[1]];
  }
  const [, most] = limits;
  if (!isIn([0, most], value)) {
    throw invalidValue(option, `a number from 0 to ${most} or a range`, value);
  }
  return name === 'hue' ? [-value, value] : [Math.max(0, 1 - value), 1 + value];
}

export function sampleColorJitter(random: RandomGenerator, jitter: ColorJitter): Operation[] {
  return shuffle(random, names).flatMap((name) => {
    const range = jitter[name];
    return range ? [{ name, value: uniform(random, range) }] : [];
  });
}
