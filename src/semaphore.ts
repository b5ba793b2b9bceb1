import { Queue } from './queue';

interface Task {
  readonly weight: number;
  readonly start: () => void;
}

interface Owner {
  running: number;
  readonly waiting: Queue<Task>;
  /** Whether it is in the queue of turns. */
  hasTurn: boolean;
}

/** Options of `Semaphore.run`. */
export interface TaskOptions {
  /** A task whose signal is aborted before it starts rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** By default shared by all tasks that name none. */
  readonly owner?: object;
  /** How much of the capacity the task occupies, 1 by default; more than the capacity counts as all of it. */
  readonly weight?: number;
}

/**
 * Limits how many tasks run concurrently, or the sum of their weights. Tasks of one owner start in order; owners
 * whose tasks are waiting take turns, so that a long queue of one does not delay the others. A task that does
 * not fit yet holds back all later ones, so that smaller ones do not starve it.
 */
export class Semaphore {
  readonly #capacity: number;
  readonly #maxPerOwner: number;
  /** Owners with tasks that are running or waiting. */
  readonly #owners = new Map<object, Owner>();
  /**
   * Owners with waiting tasks that may start as soon as the first one's fits. A queue, because skipping the removed
   * entries at the start of a large Map takes long.
   */
  readonly #turns = new Queue<Owner>();
  #free: number;

  /**
   * @param capacity the sum of the weights of the tasks that run concurrently
   * @param maxPerOwner how many tasks of one owner run concurrently
   */
  constructor(capacity: number, maxPerOwner = capacity) {
    this.#capacity = capacity;
    this.#free = capacity;
    this.#maxPerOwner = maxPerOwner;
  }

  /** Runs `task` as soon as there is capacity for it. */
  async run<T>(
    task: () => Promise<T>,
    { signal, owner: key = this, weight = 1 }: TaskOptions = {},
  ): Promise<T> {
    const owner = this.#owners.get(key) ?? { running: 0, waiting: new Queue(), hasTurn: false };
    this.#owners.set(key, owner);
    const counted = Math.min(weight, this.#capacity);
    const isNext = this.#turns.length === 0 && owner.running < this.#maxPerOwner;
    if (isNext && counted <= this.#free) {
      this.#occupy(owner, counted);
    } else {
      await new Promise<void>((start) => {
        owner.waiting.push({ weight: counted, start });
        this.#takeTurn(owner);
      });
    }
    try {
      signal?.throwIfAborted();
      return await task();
    } finally {
      this.#free += counted;
      owner.running--;
      this.#takeTurn(owner);
      if (owner.running === 0 && owner.waiting.length === 0) this.#owners.delete(key);
      this.#startWaiting();
    }
  }

  #occupy(owner: Owner, weight: number): void {
    this.#free -= weight;
    owner.running++;
  }

  #takeTurn(owner: Owner): void {
    if (owner.hasTurn || owner.waiting.length === 0 || owner.running >= this.#maxPerOwner) return;
    owner.hasTurn = true;
    this.#turns.push(owner);
  }

  #startWaiting(): void {
    for (let owner = this.#turns.first; owner; owner = this.#turns.first) {
      const { weight, start } = owner.waiting.first!;
      if (weight > this.#free) return;
      this.#turns.shift();
      owner.waiting.shift();
      owner.hasTurn = false;
      this.#occupy(owner, weight);
      this.#takeTurn(owner);
      start();
    }
  }
}
