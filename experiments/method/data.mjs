// The division of the labeled images of a seed: a few keep their labels, the others are the pool.

/** Numbers from 0 to 1 that depend on the seed (mulberry32). */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffle(items, random) {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

/** Some of the images of a dataset, by name. */
function subset(dataset, name, names) {
  return {
    name,
    size: names.size,
    samples: ({ skip, ...options } = {}) =>
      dataset.samples({ ...options, skip: (one) => !names.has(one) || skip?.(one) === true }),
  };
}

/**
 * Divides the images of each class.
 *
 * @param dataset the images, with their labels
 * @param seed of the division
 * @param labeledPerClass the images of a class that keep their label
 * @param rarest the share of the images of the rarest class in the skewed pool, in which the classes are ever rarer
 */
export async function divide(dataset, seed, labeledPerClass, rarest) {
  const classes = new Map();
  const labels = new Map();
  for await (const { name, label } of dataset.samples()) {
    classes.set(label, [...(classes.get(label) ?? []), name]);
    labels.set(name, label);
  }
  const names = [...classes.keys()].toSorted();
  const random = randomOf(seed);
  const [labeled, pool, skewed] = [new Set(), new Set(), new Set()];
  for (const [i, label] of names.entries()) {
    const order = shuffle(classes.get(label), random);
    const rest = order.slice(labeledPerClass);
    const kept = Math.round(rest.length * rarest ** (i / (names.length - 1)));
    for (const name of order.slice(0, labeledPerClass)) labeled.add(name);
    for (const name of rest) pool.add(name);
    for (const name of rest.slice(0, kept)) skewed.add(name);
  }
  return {
    classes: names,
    labels,
    labeled: subset(dataset, 'labeled', labeled),
    pool: subset(dataset, 'pool', pool),
    skewed: subset(dataset, 'skewed', skewed),
  };
}
