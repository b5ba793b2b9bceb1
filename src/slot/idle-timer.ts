/** Calls a function after a time without a call; does not keep the process alive. */
export class IdleTimer {
  readonly #timeout: number | undefined;
  readonly #onIdle: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param timeout milliseconds; never if undefined */
  constructor(timeout: number | undefined, onIdle: () => void) {
    this.#timeout = timeout;
    this.#onIdle = onIdle;
  }

  restart(): void {
    this.stop();
    if (this.#timeout !== undefined) this.#timer = setTimeout(this.#onIdle, this.#timeout).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
