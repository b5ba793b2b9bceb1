import { invalidValue } from '../options';

/** @throws OptionError unless `temperature` is undefined or a positive number */
export function completeTemperature(temperature = 1): number {
  if (Number.isFinite(temperature) && temperature > 0) return temperature;
  throw invalidValue('temperature', 'a number above 0', temperature);
}
