import type { VectorStore } from '../native';
import type { EntryTable } from './entries';
import type { DuplicatesOptions, Neighbor } from './types';

/** Rows that are compared with all others at a time: few enough that searches in between wait less than a second or two. */
const panelRows = 64;

/**
 * Groups the entries whose vectors have a cosine of at least `threshold`, directly or through others of the group.
 * Compares all pairs, and needs 4 bytes per entry besides the groups.
 */
export async function findDuplicates(
  vectors: VectorStore,
  entries: EntryTable,
  { threshold, signal, onProgress }: DuplicatesOptions & { readonly threshold: number },
): Promise<Neighbor[][]> {
  const { rows } = entries;
  const total = (rows * (rows - 1)) / 2;
  const parents = Int32Array.from({ length: rows }, (_, row) => row);
  for (let first = 0; first < rows; first += panelRows) {
    const count = Math.min(panelRows, rows - first);
    await vectors.unite({ first, count }, threshold, parents, signal);
    const left = rows - first - count;
    onProgress?.({ compared: total - (left * (left - 1)) / 2, total });
  }
  signal?.throwIfAborted();
  return await describeGroups(groupRows(parents, entries), vectors, entries);
}

/** The rows of each group of several, in ascending order. */
function groupRows(parents: Int32Array, entries: EntryTable): number[][] {
  const groups = new Map<number, number[]>();
  const roots = new Int32Array(parents.length);
  for (let row = 0; row < parents.length; row++) {
    // Parents are lower rows, whose roots are known.
    const parent = parents[row]!;
    const root = (roots[row] = parent === row ? row : roots[parent]!);
    if (!entries.isLive(row)) continue;
    const group = groups.get(root);
    if (group) group.push(row);
    else groups.set(root, [row]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

async function describeGroups(
  groups: readonly (readonly number[])[],
  vectors: VectorStore,
  entries: EntryTable,
): Promise<Neighbor[][]> {
  const others = groups.flatMap(([first, ...rest]) => rest.map((row) => [first!, row] as const));
  const scores = await vectors.compare(
    Int32Array.from(others, ([first]) => first),
    Int32Array.from(others, ([, row]) => row),
  );
  let next = 0;
  return groups.map(([first, ...rest]) => [
    { id: entries.recordAt(first!).id, score: 1 },
    ...rest.map((row) => ({ id: entries.recordAt(row).id, score: scores[next++]! })),
  ]);
}
