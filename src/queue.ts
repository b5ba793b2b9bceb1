/** A first-in, first-out queue. `Array.shift` takes time proportional to the length of a long array. */
export class Queue<Item> {
  #items: Item[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** The item that `shift` returns next; undefined if the queue is empty. */
  get first(): Item | undefined {
    return this.#items[this.#head];
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** Removes and returns the first item; undefined if the queue is empty. */
  shift(): Item | undefined {
    const item = this.first;
    if (this.length === 0) return undefined;
    this.#head++;
    // Copies at most as many items as have been removed since the last time.
    if (2 * this.#head >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
