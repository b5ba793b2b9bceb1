import type { IndexEntry } from '../../src/index';

/** A vector with elements in [-0.5, 0.5), the same in each run; also in 88.search/make-goldens.py. */
export function vector(i: number, dimensions: number): Float32Array {
  return Float32Array.from(
    { length: dimensions },
    (_, j) => ((i * i * 31 + i * j * 7919 + j * j * 17 + i) % 1009) / 1009 - 0.5,
  );
}

/** Entries with the ids `0`, `1` and so on, and such vectors. */
export function vectorEntries(count: number, dimensions: number, first = 0): IndexEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `${first + i}`,
    embedding: vector(first + i, dimensions),
  }));
}
