import { isFloat32Array } from 'node:util/types';
import type { VectorPrecision } from '../native';
import { guardGetters, invalidArgument } from '../options';

import type { Embedding } from './types';

/** The argument of a search: one embedding, or an array of them, which is copied. */
export function readQueries(queries: Embedding | readonly Embedding[]): {
  readonly isBatch: boolean;
  readonly batch: readonly Embedding[];
} {
  return guardGetters('the queries', queries, () =>
    Array.isArray(queries) && typeof queries[0] !== 'number'
      ? { isBatch: true, batch: [...(queries as readonly Embedding[])] }
      : { isBatch: false, batch: [queries as Embedding] },
  );
}

/**
 * Copies embeddings into one array [n, dimensions].
 *
 * @param nameOf the name of an embedding in messages
 * @throws OptionError if one is not an array of `dimensions` numbers
 */
export function packEmbeddings(
  embeddings: readonly Embedding[],
  dimensions: number,
  nameOf: (index: number) => string,
): Float32Array {
  const packed = new Float32Array(embeddings.length * dimensions);
  for (let i = 0; i < embeddings.length; i++) {
    const embedding = embeddings[i];
    guardGetters(nameOf(i), embedding, () => {
      const isVector = isFloat32Array(embedding) || Array.isArray(embedding);
      if (!isVector || embedding.length !== dimensions) {
        const found = isVector ? `, not ${embedding.length}` : '';
        throw invalidArgument(nameOf(i), `${dimensions} numbers${found}`, embedding);
      }
      packed.set(embedding as Embedding, i * dimensions);
    });
  }
  return packed;
}

/** The elements of a row of vectors. */
export function toFloat32(
  row: Uint8Array<ArrayBuffer>,
  precision: VectorPrecision,
  dimensions: number,
): Float32Array {
  if (precision === 'float32') return new Float32Array(row.buffer, 0, dimensions);
  // The upper half of each float32.
  const bits = Uint32Array.from(new Uint16Array(row.buffer, 0, dimensions), (half) => half << 16);
  return new Float32Array(bits.buffer);
}
