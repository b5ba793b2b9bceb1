import type { Conditions } from '../../src/conditions';
import { writeEmbeddings, type ComputeRows } from '../../src/embeddings';
import { vector } from './vectors';

/** What the rows depend on. */
export const conditions: Conditions = { model: 'none', transform: { crop: 224 } };

/** The name of the image of a row, with characters that formats and file systems treat differently. */
export function imageOf(i: number): string {
  return `photos/${i} "é\n😀", 100%.jpg`;
}

/** Computes those of `count` rows that a file does not have, `perCall` at a time, which `wait` may delay. */
export function computeRows(
  count: number,
  dimensions: number,
  { perCall = 100, wait = () => Promise.resolve() }: RowOptions = {},
): ComputeRows {
  return async (rows, signal) => {
    const images = Array.from({ length: count }, (_, i) => imageOf(i));
    const missing = [...images.keys()].filter((i) => !rows.has(imageOf(i), `stamp ${i}`));
    for (let first = 0; first < missing.length; first += perCall) {
      await wait();
      signal.throwIfAborted();
      await rows.append(
        missing.slice(first, first + perCall).map((i) => ({
          ...{ image: imageOf(i), stamp: `stamp ${i}`, embedding: vector(i, dimensions) },
        })),
      );
    }
    return images;
  };
}

interface RowOptions {
  readonly perCall?: number;
  readonly wait?: () => Promise<void>;
}

/** Writes `count` rows to a file. */
export async function writeRows(path: string, count: number, dimensions: number): Promise<void> {
  const { signal } = new AbortController();
  await writeEmbeddings(path, conditions, computeRows(count, dimensions), signal);
}
