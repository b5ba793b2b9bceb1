import { setTimeout as sleep } from 'node:timers/promises';
import { busyTime } from './machine.mjs';
import { median } from './statistics.mjs';

/** Longer than any contender's idle threads spin, which would slow down the next contender. */
const restMs = 100;
/** How long the load of other processes is observed after the rest. */
const observationMs = 50;

/**
 * Measures contenders alternately. Returns, by name, the array of values that `measure` returned for the
 * contender in each round. A contender that fails is excluded from then on.
 */
export async function interleave(contenders, rounds, measure) {
  const measured = new Map(contenders.map(({ name }) => [name, []]));
  const busy = [];
  for (let round = 1; round <= rounds; round++) {
    // Reverses every second round, so that no contender always follows the same one.
    for (const contender of round % 2 ? contenders : contenders.toReversed()) {
      const { name } = contender;
      if (!measured.has(name)) continue;
      await sleep(restMs);
      busy.push(await busyCores());
      try {
        const values = await measure(contender);
        measured.get(name).push(values);
        console.error(`round ${round}/${rounds}, ${name}: ${median(values).toFixed(1)}`);
      } catch (error) {
        console.error(`${name} is excluded: ${error.message}`);
        measured.delete(name);
      }
    }
  }
  console.error(`other processes kept ${mean(busy).toFixed(2)} cores busy`);
  return measured;
}

/** The number of busy cores while every contender is idle. */
async function busyCores() {
  const [began, before] = [performance.now(), busyTime()];
  await sleep(observationMs);
  return (busyTime() - before) / (performance.now() - began);
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * A contender's figure over all rounds and per round, and the ratios of the baseline's figure to it: over
 * all rounds, and the lowest and highest of a round.
 */
export function compare(rounds, baseline, figure = median) {
  const ofRounds = rounds.map(figure);
  const value = figure(rounds.flat());
  if (!baseline) return { value, ofRounds, ratios: [] };
  const ratios = ofRounds.map((own, round) => figure(baseline[round]) / own);
  const ratio = figure(baseline.flat()) / value;
  return { value, ofRounds, ratios: [ratio, Math.min(...ratios), Math.max(...ratios)] };
}

/** The ratio columns of a row, empty without a baseline. */
export function ratioColumns(ratios) {
  return [0, 1, 2].map((i) => ratios[i]?.toFixed(3) ?? '');
}
