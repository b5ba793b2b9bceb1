import type { Sliced } from '../checkpoint/slices';
import type { NameArena } from './name-arena';

/** A pair of an image and a class, with its score. */
export interface Entry {
  readonly score: number;
  /** A reference of the arena. */
  readonly name: number;
  readonly classIndex: number;
}

/** The words of an entry: score, name, class. Side by side, because a large heap does not fit into the caches. */
const stride = 3;

/**
 * Binary heaps that keep the best entries each: those with the highest scores, of equal ones those whose names come
 * first, then those whose classes do. This order is total, so that neither the order in which entries arrive nor how
 * they were divided changes what is kept. The worst entry is at the root, where a better one replaces it.
 *
 * All heaps share one array, whose memory the operating system provides as it is written.
 */
export class BoundedHeaps {
  /** The number of entries of each heap. */
  readonly sizes: Uint32Array;
  /** What a score must reach for an entry to be kept; negative while a heap has room. */
  readonly thresholds: Float32Array;
  readonly #capacity: number;
  readonly #words: Uint32Array;
  /** The same memory. */
  readonly #scores: Float32Array;
  #arena: NameArena;

  constructor(count: number, capacity: number, arena: NameArena) {
    this.#capacity = capacity;
    this.#arena = arena;
    this.sizes = new Uint32Array(count);
    this.thresholds = new Float32Array(count).fill(-1);
    this.#words = new Uint32Array(stride * count * capacity);
    this.#scores = new Float32Array(this.#words.buffer);
  }

  /** Adds an entry, unless the heap is full of better ones. */
  push(heap: number, score: number, name: number, classIndex: number): void {
    const base = this.#baseOf(heap);
    const size = this.sizes[heap]!;
    if (size < this.#capacity) {
      this.#siftUp(base, size, score, name, classIndex);
      this.sizes[heap] = size + 1;
      if (size + 1 === this.#capacity) this.thresholds[heap] = this.#scores[base]!;
      return;
    }
    if (!this.#isWorse(base, score, name, classIndex)) return;
    this.#siftDown(base, size, score, name, classIndex);
    this.thresholds[heap] = this.#scores[base]!;
  }

  /** Sorts the entries of a heap, best first. It takes no more entries afterwards. */
  *sort(heap: number): Sliced<void> {
    const base = this.#baseOf(heap);
    for (let last = this.sizes[heap]! - 1; last > 0; last--) {
      const at = base + stride * last;
      const [score, name, classIndex] = [
        this.#scores[at]!,
        this.#words[at + 1]!,
        this.#words[at + 2]!,
      ];
      this.#copy(base, at);
      this.#siftDown(base, last, score, name, classIndex);
      if (last % 64 === 0) yield;
    }
    yield;
  }

  /** An entry of a heap by its position, from 0. */
  entry(heap: number, position: number): Entry {
    const at = this.#baseOf(heap) + stride * position;
    return {
      score: this.#scores[at]!,
      name: this.#words[at + 1]!,
      classIndex: this.#words[at + 2]!,
    };
  }

  /** Moves the names of all entries to another arena. */
  *moveNames(target: NameArena): Sliced<void> {
    for (const [heap, size] of this.sizes.entries()) {
      const base = this.#baseOf(heap);
      for (let i = 0; i < size; i++) {
        const at = base + stride * i + 1;
        this.#words[at] = this.#arena.moveTo(target, this.#words[at]!);
        if (i % 64 === 0) yield;
      }
    }
    this.#arena = target;
  }

  #baseOf(heap: number): number {
    return stride * this.#capacity * heap;
  }

  /** Whether the entry at a word is worse than another one. */
  #isWorse(at: number, score: number, name: number, classIndex: number): boolean {
    const own = this.#scores[at]!;
    if (own !== score) return own < score;
    const order = this.#arena.compare(this.#words[at + 1]!, name);
    return order === 0 ? this.#words[at + 2]! > classIndex : order > 0;
  }

  #isWorseThan(at: number, other: number): boolean {
    return this.#isWorse(
      at,
      this.#scores[other]!,
      this.#words[other + 1]!,
      this.#words[other + 2]!,
    );
  }

  #siftUp(base: number, size: number, score: number, name: number, classIndex: number): void {
    let child = size;
    while (child > 0) {
      const parent = (child - 1) >>> 1;
      // A parent that is not better stays: only equal entries are neither better nor worse.
      if (this.#isWorse(base + stride * parent, score, name, classIndex)) break;
      this.#copy(base + stride * parent, base + stride * child);
      child = parent;
    }
    this.#set(base + stride * child, score, name, classIndex);
  }

  #siftDown(base: number, size: number, score: number, name: number, classIndex: number): void {
    let parent = 0;
    for (let child = 1; child < size; child = 2 * parent + 1) {
      const first = base + stride * child;
      const isSecond = child + 1 < size && this.#isWorseThan(first + stride, first);
      const worst = isSecond ? first + stride : first;
      if (!this.#isWorse(worst, score, name, classIndex)) break;
      this.#copy(worst, base + stride * parent);
      parent = isSecond ? child + 1 : child;
    }
    this.#set(base + stride * parent, score, name, classIndex);
  }

  #copy(from: number, to: number): void {
    this.#words[to] = this.#words[from]!;
    this.#words[to + 1] = this.#words[from + 1]!;
    this.#words[to + 2] = this.#words[from + 2]!;
  }

  #set(at: number, score: number, name: number, classIndex: number): void {
    this.#scores[at] = score;
    this.#words[at + 1] = name;
    this.#words[at + 2] = classIndex;
  }
}
