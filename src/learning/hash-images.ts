import { createHash } from 'node:crypto';

/** Identifies images, with their labels, in their order: a SHA-256 in hex. */
export function hashImages(
  images: Iterable<{ readonly sha256: string; readonly label: string | number }>,
): string {
  const hash = createHash('sha256');
  for (const { sha256, label } of images) hash.update(`${sha256} ${label}\n`);
  return hash.digest('hex');
}
