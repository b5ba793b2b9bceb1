import { invalidValue } from '../options';
import { isClassCount, maxClasses } from './metadata';

/** Throws `OptionError` unless `numClasses` is a possible number of classes. */
export function checkNumClasses(numClasses: number): void {
  if (isClassCount(numClasses)) return;
  throw invalidValue('numClasses', `a whole number from 1 to ${maxClasses}`, numClasses);
}
