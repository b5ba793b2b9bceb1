import { setTimeout as sleep } from 'node:timers/promises';

/** How long a turn lasts, and the rest before it, in which no thread of the turn before still spins. */
const turn = { lasts: 250, rest: 50 };

/**
 * How long each of several works takes, in milliseconds: the median of its calls. They take turns, so
 * that a busy neighbour disturbs all alike; the first call of a turn is not counted.
 *
 * @param seconds for about how long each of them is measured
 */
export async function takeTurns(
  works: readonly (() => Promise<void>)[],
  seconds: number,
): Promise<number[]> {
  const calls = works.map((): number[] => []);
  for (let measured = 0; measured < 1000 * seconds; measured += turn.lasts) {
    for (const [index, work] of works.entries()) {
      await sleep(turn.rest);
      await work();
      const end = performance.now() + Math.min(turn.lasts, 1000 * seconds);
      let began: number;
      do {
        began = performance.now();
        await work();
        calls[index]!.push(performance.now() - began);
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
