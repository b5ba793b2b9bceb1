import { randomOf, shuffle } from '../augment';
import type { TrainingImage } from './training-image';

/**
 * Divides images into those to train on and those to judge by: of each class the same share, but at least one to train
 * on. Identical images are in the same part. Depends on the contents and the seed alone.
 *
 * @param share of the second part, 0 to 1
 * @returns the indices of both parts, in ascending order
 */
export function splitImages(
  images: readonly Pick<TrainingImage, 'label' | 'sha256'>[],
  share: number,
  seed: number,
): { readonly training: number[]; readonly validation: number[] } {
  const contents = new Map<number, Set<string>>();
  for (const { label, sha256 } of images) {
    contents.set(label, (contents.get(label) ?? new Set()).add(sha256));
  }
  const held = new Set<string>();
  for (const [label, hashes] of contents) {
    const count = Math.min(hashes.size - 1, Math.round(share * hashes.size));
    const order = shuffle(randomOf(`split ${seed} ${label}`), [...hashes].toSorted());
    for (const sha256 of order.slice(0, count)) held.add(sha256);
  }
  const indices = [...images.keys()];
  const isHeld = (index: number) => held.has(images[index]!.sha256);
  return {
    training: indices.filter((index) => !isHeld(index)),
    validation: indices.filter(isHeld),
  };
}
