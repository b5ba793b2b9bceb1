import { totalmem } from 'node:os';
import { checkOptionNames, invalidValue } from '../options';

/** Limits on the process of an isolated model. */
export interface IsolationLimits {
  /**
   * The maximum resident memory of the process in bytes, including LibTorch (about 250 MB). By default 4 GiB, or half
   * of the memory of the machine or container if that is less.
   */
  readonly memory?: number;
  /**
   * The maximum duration of one batch of images or one call of a method, in milliseconds; 60,000 by default. Loading
   * the model and planning a method may each take ten times as long, and at least a minute.
   */
  readonly milliseconds?: number;
}

/** Loading and planning may take this many times as long as a call: planning measures many runs. */
const openingFactor = 10;

/** Starting the process and LibTorch takes long on a busy machine, however fast the model is; in milliseconds. */
const minOpeningTime = 60_000;

/** The longest delay of `setTimeout`. */
const maxDelay = 2 ** 31 - 1;

/** Limits that are checked and complete. */
export interface CompleteLimits {
  readonly memory: number;
  readonly callTime: number;
  readonly openingTime: number;
}

/**
 * Checks the option `isolate`, and completes its limits with the defaults.
 *
 * @returns undefined if the model is not isolated
 * @throws OptionError if a limit is unknown or is not a positive integer
 */
export function completeIsolation(
  isolate: boolean | IsolationLimits | undefined,
): CompleteLimits | undefined {
  if (isolate === undefined || isolate === false) return undefined;
  if (isolate !== true && (typeof isolate !== 'object' || isolate === null)) {
    throw invalidValue('isolate', 'a boolean or { memory, milliseconds }', isolate);
  }
  const limits = isolate === true ? {} : isolate;
  checkOptionNames(limits, ['memory', 'milliseconds'], 'isolate');
  const { memory = defaultMemory(), milliseconds = 60_000 } = limits;
  checkLimit('memory', memory, Number.MAX_SAFE_INTEGER);
  checkLimit('milliseconds', milliseconds, maxDelay);
  const openingTime = Math.min(maxDelay, Math.max(minOpeningTime, milliseconds * openingFactor));
  return { memory, callTime: milliseconds, openingTime };
}

function checkLimit(name: string, limit: unknown, max: number): void {
  if (Number.isSafeInteger(limit) && (limit as number) >= 1 && (limit as number) <= max) return;
  throw invalidValue(`isolate.${name}`, `an integer from 1 to ${max}`, limit);
}

function defaultMemory(): number {
  // Absent before Node 20.13; zero, or a number beyond any machine's memory, if there is no limit.
  const limit = process.constrainedMemory?.() || Infinity;
  return Math.min(4 * 2 ** 30, Math.floor(Math.min(limit, totalmem()) / 2));
}
