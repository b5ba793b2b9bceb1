/**
 * Divides a vector by its L2 norm, in place, as `torch.nn.functional.normalize`: the dot product of two such vectors is
 * their cosine similarity. A vector of zeros stays as it is.
 */
export function normalize(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const norm = Math.max(Math.sqrt(sum), 1e-12);
  for (let i = 0; i < vector.length; i++) vector[i]! /= norm;
  return vector;
}
