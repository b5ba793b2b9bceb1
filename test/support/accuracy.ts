import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Classifier } from '../../src/classify';

/** How many photos have the right class first, and among the first five. */
export interface Counts {
  readonly top1: number;
  readonly top5: number;
}

/** The paths of the 100 photos, named `<wnid>_<name>.JPEG`. */
export async function photosIn(directory: string): Promise<string[]> {
  const photos = (await readdir(directory)).filter((name) => name.endsWith('.JPEG'));
  assert.equal(photos.length, 100);
  return photos.map((name) => join(directory, name));
}

export async function countCorrect(model: Classifier, directory: string): Promise<Counts> {
  const photos = await photosIn(directory);
  const ranks = (await model.classify(photos)).map((answer, i) => {
    const [wnid] = basename(photos[i]!).split('_');
    return answer.findIndex((prediction) => prediction.wnid === wnid);
  });
  const top = (k: number) => ranks.filter((rank) => rank >= 0 && rank < k).length;
  return { top1: top(1), top5: top(5) };
}
