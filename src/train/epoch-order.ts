import { integer, randomOf, shuffle } from '../augment';

/**
 * The images of an epoch in their order: a permutation of all or, if balanced, as many drawn with replacement, of each
 * class with the same probability.
 *
 * @param labels the class of each image
 */
export function epochOrder(
  labels: readonly number[],
  { seed, epoch, isBalanced }: { seed: number; epoch: number; isBalanced: boolean },
): number[] {
  const random = randomOf(`order ${seed} ${epoch}`);
  const indices = [...labels.keys()];
  if (!isBalanced) return shuffle(random, indices);
  const classes = indicesByLabel(labels);
  return indices.map(() => {
    const members = classes[integer(random, 0, classes.length - 1)]!;
    return members[integer(random, 0, members.length - 1)]!;
  });
}

/** The indices of the images of each class that occurs. */
export function indicesByLabel(labels: readonly number[]): number[][] {
  const classes = new Map<number, number[]>();
  for (const [index, label] of labels.entries()) {
    const members = classes.get(label);
    if (members) members.push(index);
    else classes.set(label, [index]);
  }
  return [...classes.values()];
}

/**
 * Divides an epoch into batches of at most `size`, whose sizes differ by one at most: a last batch of a few images would
 * have useless statistics.
 */
export function batchesOf(order: readonly number[], size: number): number[][] {
  const count = Math.ceil(order.length / size);
  const start = (batch: number) => Math.floor((batch * order.length) / count);
  return Array.from({ length: count }, (_, batch) => order.slice(start(batch), start(batch + 1)));
}
