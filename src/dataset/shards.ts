import { glob, isDynamicPattern } from 'tinyglobby';

/** A range of shards as WebDataset writes it, such as `train-{000000..000146}.tar`. */
const range = /\{(\d+)\.\.(\d+)\}/;

/** Far more shards than datasets have. */
const maxShards = 1_000_000;

/** Whether a path is a pattern of several files. */
export function isPattern(path: string): boolean {
  return range.test(path) || isDynamicPattern(path);
}

/** The files that a pattern names, sorted. Those of a range need not exist. */
export async function expandPattern(pattern: string): Promise<string[]> {
  const [match, first, last] = range.exec(pattern) ?? [];
  if (match === undefined || first === undefined || last === undefined) {
    return (await glob(pattern, { expandDirectories: false })).toSorted();
  }
  const count = Math.min(Math.max(0, Number(last) - Number(first) + 1), maxShards);
  const names = Array.from({ length: count }, (_, i) =>
    pattern.replace(match, String(Number(first) + i).padStart(first.length, '0')),
  );
  return (await Promise.all(names.map(expandIfPattern))).flat();
}

async function expandIfPattern(path: string): Promise<string[]> {
  return isPattern(path) ? await expandPattern(path) : [path];
}
