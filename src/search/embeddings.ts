import { isFloat32Array } from 'node:util/types';
import { guardGetters, invalidArgument } from '../options';
import type { Embedding } from './types';

/** Whether the argument of a search is an array of embeddings rather than a single one. */
export function isBatch(
  embeddings: Embedding | readonly Embedding[],
): embeddings is readonly Embedding[] {
  return Array.isArray(embeddings) && typeof embeddings[0] !== 'number';
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
