import { writeFileSync } from 'node:fs';

/** Uniform in -2..2, about the range of normalised pixels: float32 [batch, 3, 224, 224]. */
export function writeInput(path, batch) {
  const values = Float32Array.from({ length: batch * 3 * 224 * 224 }, () => 4 * Math.random() - 2);
  writeFileSync(path, values);
  return path;
}
