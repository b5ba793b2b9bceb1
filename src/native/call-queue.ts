import { BusyError } from '../errors';
import { checkOptionNames, invalidValue } from '../options';

/** Limits on the calls of a model that are pending, i.e. queued or running. */
export interface QueueLimits {
  /** The maximum number of pending calls; 10,000 by default. A call with several images is one call. */
  readonly calls?: number;
  /**
   * The maximum size of the inputs of pending calls in bytes; 1 GiB by default. Counts tensors, pixels and
   * encoded images in memory. A call that is larger is accepted while no other one is pending.
   */
  readonly bytes?: number;
}

const defaults: Required<QueueLimits> = { calls: 10_000, bytes: 2 ** 30 };

/** @throws OptionError if a limit is unknown or is not a positive integer */
export function completeQueueLimits(limits: QueueLimits = {}): Required<QueueLimits> {
  checkOptionNames(limits, Object.keys(defaults), 'queue');
  const complete = { ...defaults, ...limits };
  for (const name of ['calls', 'bytes'] as const) {
    complete[name] ??= defaults[name];
    if (Number.isSafeInteger(complete[name]) && complete[name] >= 1) continue;
    throw invalidValue(`queue.${name}`, 'a positive integer', complete[name]);
  }
  return complete;
}

/** Counts the pending calls of a model, and refuses those that exceed its limits. */
export class CallQueue {
  readonly #limits: Required<QueueLimits>;
  #calls = 0;
  #bytes = 0;

  constructor(limits: Required<QueueLimits>) {
    this.#limits = limits;
  }

  /** Runs a call whose inputs have a size of `bytes`. @throws BusyError if it exceeds a limit */
  async run<T>(bytes: number, call: () => Promise<T>): Promise<T> {
    const { calls: maxCalls, bytes: maxBytes } = this.#limits;
    if (this.#calls >= maxCalls) throw busyError(`${this.#calls} calls`, 'calls');
    if (this.#calls > 0 && this.#bytes + bytes > maxBytes) {
      throw busyError(`calls with ${this.#bytes} bytes of inputs`, 'bytes');
    }
    this.#calls++;
    this.#bytes += bytes;
    try {
      return await call();
    } finally {
      this.#calls--;
      this.#bytes -= bytes;
    }
  }
}

function busyError(pending: string, name: keyof QueueLimits): BusyError {
  return new BusyError('ERR_SEMISUP_BUSY', {
    what: `The call was refused, because ${pending} of this model are pending.`,
    remedy: `Call again when earlier calls have ended, pass the images of several calls in one, or raise the limit queue.${name}.`,
    value: name,
  });
}
