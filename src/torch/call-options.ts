import { checkOptionNames, checkSignal } from '../options';

/** Options of a call. */
export interface CallOptions {
  /**
   * When aborted, the promise is rejected with the signal's reason, and the call is removed from the queue. A
   * call that is already running still finishes, but its result is discarded.
   */
  readonly signal?: AbortSignal;
}

/** @throws OptionError if an option is unknown or of the wrong type; the signal's reason if it is aborted */
export function checkCallOptions(options: CallOptions): void {
  checkOptionNames(options, ['signal'], 'invoke');
  checkSignal(options.signal);
  options.signal?.throwIfAborted();
}
