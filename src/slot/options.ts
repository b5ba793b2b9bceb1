import { checkRunOptions, modelOptionNames, type Model, type ModelOptions } from '../classify';
import type { HubOptions } from '../hub';
import { checkOptionNames, checkSignal, invalidValue } from '../options';

/** Options of a slot, for the model it is opened with and for all that are swapped in. */
export interface SlotOptions
  extends ModelOptions, Pick<HubOptions, 'hubDir' | 'offline' | 'onProgress'> {}

/** Options of `ModelSlot.open`. */
export interface SlotOpenOptions extends SlotOptions {
  /** Rejects the call with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What a function of one's own gets beside the new model. */
export interface SwapContext {
  /** Aborted when the swap is given up. */
  readonly signal: AbortSignal;
}

/** Options of `ModelSlot.swap`. */
export interface SwapOptions {
  /**
   * How often the new model runs before it serves, on an input of the shape that it will get; 3 by
   * default. Or a function that runs it as one likes.
   */
  readonly warmup?: number | ((model: Model, context: SwapContext) => unknown);
  /**
   * Whether the new model may serve: a function that gives false or throws refuses it. By default its
   * answer must be finite, and of the same shape (the same number of classes) as the old one's.
   */
  readonly check?: (model: Model, context: SwapContext) => unknown;
  /** How long it may take to load, warm up and check, in milliseconds; by default as long as it does. */
  readonly timeout?: number;
  /** Rejects the call with the signal's reason, unless the new model serves already. */
  readonly signal?: AbortSignal;
}

/** Options of `ModelSlot.watch`. */
export interface WatchOptions extends Omit<SwapOptions, 'signal'> {
  /** For how long size and time of the file must stay as they are, in milliseconds; 200 by default. */
  readonly settle?: number;
}

/** `setTimeout` takes no more. */
const longest = 2 ** 31 - 1;

const openOptionNames = [...modelOptionNames, 'hubDir', 'offline', 'onProgress', 'signal'];

const swapOptionNames = ['warmup', 'check', 'timeout'];

/** Throws `OptionError` unless all options are known; the sources check their values. */
export function checkSlotOptions(options: SlotOpenOptions): void {
  checkOptionNames(options, openOptionNames, 'ModelSlot.open');
  checkRunOptions(options);
  checkSignal(options.signal);
}

/** Throws `OptionError` unless all options are known and of the right type. */
export function checkSwapOptions(options: SwapOptions): void {
  checkOptionNames(options, [...swapOptionNames, 'signal'], 'swap');
  checkValues(options);
  checkSignal(options.signal);
}

/** Throws `OptionError` unless all options are known and of the right type. */
export function checkWatchOptions(options: WatchOptions): void {
  checkOptionNames(options, [...swapOptionNames, 'settle'], 'watch');
  checkValues(options);
  checkTime('settle', options.settle);
}

function checkValues({ warmup, check, timeout }: SwapOptions): void {
  const runs = Number.isInteger(warmup) && (warmup as number) >= 0;
  if (warmup !== undefined && typeof warmup !== 'function' && !runs) {
    throw invalidValue('warmup', 'a whole number of runs, or a function', warmup);
  }
  if (check !== undefined && typeof check !== 'function') {
    throw invalidValue('check', 'a function', check);
  }
  checkTime('timeout', timeout);
}

function checkTime(name: string, time: number | undefined): void {
  if (time === undefined || (Number.isFinite(time) && time > 0 && time <= longest)) return;
  throw invalidValue(name, `milliseconds, more than 0 and at most ${longest}`, time);
}
