import { writeFileSync } from 'node:fs';

/**
 * Writes float32 [batch, 3, 224, 224], uniformly distributed in -2..2, about the range of normalized
 * pixels. Returns the path.
 */
export function writeInput(path, batch) {
  const values = Float32Array.from({ length: batch * 3 * 224 * 224 }, () => 4 * Math.random() - 2);
  writeFileSync(path, values);
  return path;
}
