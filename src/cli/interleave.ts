import { setTimeout as sleep } from 'node:timers/promises';

/** The duration of a slice, and the pause before it, in which spinning threads settle; milliseconds. */
const slice = { duration: 250, pause: 50 };

/**
 * Measures several tasks; returns the median duration of each in milliseconds. The time slices are
 * interleaved, so that other load on the machine affects all equally. The first call of a slice is not
 * counted.
 *
 * @param seconds the approximate duration of measuring each task
 */
export async function measureInterleaved(
  tasks: readonly (() => Promise<void>)[],
  seconds: number,
): Promise<number[]> {
  const calls = tasks.map((): number[] => []);
  for (let measured = 0; measured < 1000 * seconds; measured += slice.duration) {
    for (const [index, task] of tasks.entries()) {
      await sleep(slice.pause);
      await task();
      const end = performance.now() + Math.min(slice.duration, 1000 * seconds);
      let startTime: number;
      do {
        startTime = performance.now();
        await task();
        calls[index]!.push(performance.now() - startTime);
      } while (performance.now() < end);
    }
  }
  return calls.map(median);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
