interface Owner {
  running: number;
  readonly waiting: (() => void)[];
}

/**
 * Limits how many tasks run concurrently. Tasks of one owner start in order; owners whose tasks are
 * waiting take turns, so that a long queue of one does not delay the others.
 */
export class Semaphore {
  readonly #maxPerOwner: number;
  /** Owners with tasks that are running or waiting; the next one to be served first. */
  readonly #owners = new Map<object, Owner>();
  #free: number;

  /**
   * @param capacity how many tasks run concurrently
   * @param maxPerOwner how many of them may belong to one owner
   */
  constructor(capacity: number, maxPerOwner = capacity) {
    this.#free = capacity;
    this.#maxPerOwner = maxPerOwner;
  }

  /**
   * Runs `task` as soon as there is a free slot. A task whose signal is aborted before it starts
   * releases its slot and rejects with the signal's reason.
   *
   * @param owner by default shared by all tasks that name none
   */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal, owner: object = this): Promise<T> {
    const state = this.#owners.get(owner) ?? { running: 0, waiting: [] };
    this.#owners.set(owner, state);
    if (this.#free > 0 && state.running < this.#maxPerOwner) this.#occupy(state);
    else await new Promise<void>((resolve) => state.waiting.push(resolve));
    try {
      signal?.throwIfAborted();
      return await task();
    } finally {
      this.#free++;
      state.running--;
      if (state.running === 0 && state.waiting.length === 0) this.#owners.delete(owner);
      this.#startNext();
    }
  }

  #occupy(state: Owner): void {
    this.#free--;
    state.running++;
  }

  #startNext(): void {
    for (const [owner, state] of this.#owners) {
      if (state.waiting.length === 0 || state.running >= this.#maxPerOwner) continue;
      this.#occupy(state);
      // Inserted again at the end of the map: the other owners come first next time.
      this.#owners.delete(owner);
      this.#owners.set(owner, state);
      state.waiting.shift()!();
      return;
    }
  }
}
