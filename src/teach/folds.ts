import { createHash } from 'node:crypto';
import { contentsByLabel, type Photo } from '../learning';

/**
 * Divides images into folds: of each class about the same number (stratified), and identical images into the same one, so
 * that none is judged by its copy. Depends on the contents and the seed alone, not on names.
 *
 * @param count the number of folds; fewer if there are fewer different images
 * @returns the fold of each image, from 0
 */
export function assignFolds(photos: readonly Photo[], count: number, seed: number): number[] {
  const contents = contentsByLabel(photos);
  const foldOf = new Map<string, number>();
  // Continues over the classes, so that the folds have about the same size, too.
  let next = 0;
  for (const label of [...contents.keys()].toSorted()) {
    const keys = [...contents.get(label)!].map((sha256) => [shuffleKey(sha256, seed), sha256]);
    for (const [, sha256] of keys.toSorted()) foldOf.set(sha256!, next++ % count);
  }
  return photos.map(({ sha256 }) => foldOf.get(sha256)!);
}

function shuffleKey(sha256: string, seed: number): string {
  return createHash('sha256').update(`${seed} ${sha256}`).digest('hex');
}
