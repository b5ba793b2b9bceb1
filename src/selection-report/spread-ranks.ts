/** At most `max` of the ranks from 1 to `count`, evenly spread: with the first, and of several the last. */
export function spreadRanks(count: number, max: number): number[] {
  const size = Math.min(count, max);
  const step = (count - 1) / Math.max(1, size - 1);
  return Array.from({ length: size }, (_, i) => 1 + Math.round(i * step));
}
