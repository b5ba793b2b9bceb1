import { ScriptError } from '../errors';
import { checkOptionNames, invalidValue } from '../options';

/** The maximum delay of `setTimeout`, in milliseconds. */
export const maxTimeout = 2 ** 31 - 1;

/** How long aborted work may continue before its thread is abandoned, in milliseconds. */
export const abortPatience = 5_000;

/** Options of `close`. */
export interface CloseOptions {
  /**
   * How long to wait for pending calls, in milliseconds; without limit by default. Calls that are still pending
   * then are rejected with `ERR_SEMISUP_TIMEOUT` or, if they have not started, `ERR_SEMISUP_CANCELED`, and so is
   * `close` (`ERR_SEMISUP_TIMEOUT`). A running call cannot be stopped: its thread and the model's memory are
   * freed when it ends.
   */
  readonly timeout?: number;
}

/** @throws OptionError if an option is unknown or has an invalid value */
export function checkCloseOptions(options: CloseOptions): void {
  checkOptionNames(options, ['timeout'], 'close');
  const { timeout } = options;
  if (timeout === undefined) return;
  if (!Number.isFinite(timeout) || timeout < 0 || timeout > maxTimeout) {
    throw invalidValue('timeout', `milliseconds in [0, ${maxTimeout}]`, timeout);
  }
}

/**
 * Waits until something is closed.
 *
 * @param abandon gives up on its pending calls; called if the time limit is exceeded
 * @throws ScriptError `ERR_SEMISUP_TIMEOUT` if the time limit is exceeded, after `abandon`
 */
export async function closeWithin(
  closed: Promise<void>,
  { timeout }: CloseOptions,
  abandon: () => Promise<void> | void,
): Promise<void> {
  if (timeout === undefined) {
    await closed;
    return;
  }
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      resolve(true);
    }, timeout);
  });
  try {
    if (!(await Promise.race([closed.then(() => false), expired]))) return;
  } finally {
    clearTimeout(timer);
  }
  // Until here `closed` was in the race: mark a later rejection as handled.
  closed.catch(() => undefined);
  await abandon();
  throw new ScriptError('ERR_SEMISUP_TIMEOUT', {
    what: `Calls were still running ${timeout} ms after close().`,
    remedy:
      'Their threads and the memory of the model are freed when they end. Running native code cannot be stopped: to be able to, run the model in a process of its own.',
    value: timeout,
  });
}

/** Closes something. Calls that are still running after `timeout` are abandoned silently. */
export async function closeOrAbandon(
  closable: { close(options: CloseOptions): Promise<void> },
  timeout = abortPatience,
): Promise<void> {
  try {
    await closable.close({ timeout });
  } catch (error) {
    if ((error as ScriptError).code !== 'ERR_SEMISUP_TIMEOUT') throw error;
  }
}
