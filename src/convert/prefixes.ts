/** No name of an architecture has more segments, e.g. `layer1.0.downsample.0.weight`. */
const maxSegments = 6;

/**
 * The number of expected names under each prefix that `names` have, including the empty one: wrappers such as
 * `DataParallel` (`module.`), `torch.compile` (`_orig_mod.`) or a class of the training script (`backbone.`)
 * put the network's names under their own.
 */
export function countByPrefix(
  names: Iterable<string>,
  isExpected: (name: string) => boolean,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) {
    let start = name.length;
    for (let i = 0; i < maxSegments && start > 0; i++) {
      start = Math.max(name.lastIndexOf('.', start - 2), name.lastIndexOf('/', start - 2)) + 1;
      if (!isExpected(name.slice(start))) continue;
      const prefix = name.slice(0, start);
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
    }
  }
  return counts;
}

/**
 * A name without the segments that PyTorch's wrappers insert when they wrap a part of the network:
 * `layer1._orig_mod.0.conv1.weight`, `layer1.0._checkpoint_wrapped_module.conv1.weight`, `layer1.module.0.…`.
 */
export function withoutWrappers(name: string): string {
  return name.replace(/(?<=^|\.)(_[^.]*|module)\./g, '');
}
