import { invalidValue } from '../options';
import type { NumberRange } from './random';

/** Throws `OptionError` unless `value` is an integer in [min, max]. */
export function checkInteger(name: string, value: unknown, min: number, max: number): void {
  if (Number.isInteger(value) && isIn([min, max], value as number)) return;
  throw invalidValue(name, `an integer from ${min} to ${max}`, value);
}

/** Throws `OptionError` unless `value` is two numbers in [min, max], the lower one first. */
export function checkRange(name: string, value: unknown, [min, max]: NumberRange): void {
  if (isRange(value) && value.every((each) => isIn([min, max], each))) return;
  const bounds = Number.isFinite(max) ? `from ${min} to ${max}` : `of at least ${min}`;
  throw invalidValue(name, `two numbers ${bounds}, the lower one first,`, value);
}

function isRange(value: unknown): value is NumberRange {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((each) => typeof each === 'number') &&
    value[0]! <= value[1]!
  );
}

/** Whether a number is in [min, max]. */
export function isIn([min, max]: NumberRange, value: number): boolean {
  return value >= min && value <= max;
}
