import {
  checkModelOptions,
  checkTrustOptions,
  modelOptionNames,
  type Model,
  type ModelOptions,
  type TrustOptions,
} from '../classify';
import type { HubOptions } from '../hub';
import { checkOptionNames, checkSignal, invalidValue } from '../options';
import { maxTimeout } from '../native';

/**
 * Options of a slot, for its first model and every later one. `verify` and `isolate` apply to files and bytes: models of the
 * hub consist of this package's own code and of weights, and functions decide themselves.
 */
export interface SlotOptions
  extends ModelOptions, TrustOptions, Pick<HubOptions, 'hubDir' | 'offline' | 'onProgress'> {}

/** Options of `ModelSlot.open`. */
export interface SlotOpenOptions extends SlotOptions {
  /**
   * Frees the active model after this time without a call, in milliseconds; never by default. The next call, or
   * `preload`, loads it again from its source.
   */
  readonly idleTimeout?: number;
  /** When aborted, the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The context of a `warmup` or `check` function. */
export interface SwapContext {
  /** The active model, for comparison; do not close it. */
  readonly current: Model;
  /** Aborted when the swap is. */
  readonly signal: AbortSignal;
}

/** Options of `ModelSlot.swap`. */
export interface SwapOptions {
  /**
   * The number of warmup runs of the new model, on an input of the expected shape; 3 by default. Or a
   * function that warms it up.
   */
  readonly warmup?: number | ((model: Model, context: SwapContext) => unknown);
  /**
   * Rejects the new model by returning false or throwing. By default, its output must be finite, and have
   * the shape (the number of classes) of the active model's output.
   */
  readonly check?: (model: Model, context: SwapContext) => unknown;
  /**
   * The time limit for the whole swap, in milliseconds; unlimited by default. It covers loading, warmup and
   * check, and waiting until a superseded swap has freed its model.
   */
  readonly timeout?: number;
  /** When aborted, the promise is rejected with the signal's reason, unless the new model is already active. */
  readonly signal?: AbortSignal;
}

/** Options of `ModelSlot.watch`. */
export interface WatchOptions extends Omit<SwapOptions, 'signal'> {
  /** How long the file must stay unchanged before it is loaded, in milliseconds; 200 by default. */
  readonly settle?: number;
}

const openOptionNames = [
  ...modelOptionNames,
  ...['verify', 'isolate', 'hubDir', 'offline', 'onProgress', 'idleTimeout', 'signal'],
];

const swapOptionNames = ['warmup', 'check', 'timeout'];

/** @throws OptionError if an option is unknown; `hub.load` and the other openers check the other values */
export function checkSlotOptions(options: SlotOpenOptions): void {
  checkOptionNames(options, openOptionNames, 'ModelSlot.open');
  checkModelOptions(options);
  checkTrustOptions(options);
  checkTime('idleTimeout', options.idleTimeout);
  checkSignal(options.signal);
}

/** @throws OptionError if an option is unknown or of the wrong type */
export function checkSwapOptions(options: SwapOptions): void {
  checkOptionNames(options, [...swapOptionNames, 'signal'], 'swap');
  checkValues(options);
  checkSignal(options.signal);
}

/** @throws OptionError if an option is unknown or of the wrong type */
export function checkWatchOptions(options: WatchOptions): void {
  checkOptionNames(options, [...swapOptionNames, 'settle'], 'watch');
  checkValues(options);
  checkTime('settle', options.settle);
}

function checkValues({ warmup, check, timeout }: SwapOptions): void {
  const isRunCount = Number.isInteger(warmup) && (warmup as number) >= 0;
  if (warmup !== undefined && typeof warmup !== 'function' && !isRunCount) {
    throw invalidValue('warmup', 'a non-negative integer or a function', warmup);
  }
  if (check !== undefined && typeof check !== 'function') {
    throw invalidValue('check', 'a function', check);
  }
  checkTime('timeout', timeout);
}

function checkTime(name: string, time: number | undefined): void {
  if (time === undefined || (Number.isFinite(time) && time > 0 && time <= maxTimeout)) return;
  throw invalidValue(name, `milliseconds in (0, ${maxTimeout}]`, time);
}
