import type { Pixels } from '../types';

/** Decoded images in memory, up to a number of bytes: those that are decoded first. */
export class PixelCache {
  readonly #pixels = new Map<number, Pixels>();
  #freeBytes: number;

  constructor(bytes: number) {
    this.#freeBytes = bytes;
  }

  get freeBytes(): number {
    return this.#freeBytes;
  }

  get(index: number): Pixels | undefined {
    return this.#pixels.get(index);
  }

  /** Keeps an image if there is room for it. */
  add(index: number, pixels: Pixels): void {
    const { byteLength } = pixels.data;
    if (byteLength > this.#freeBytes) return;
    this.#freeBytes -= byteLength;
    this.#pixels.set(index, pixels);
  }
}
