import { setTimeout as sleep } from 'node:timers/promises';
import { busyTime } from './machine.mjs';
import { median } from './statistics.mjs';

/** Longer than the threads of any contender spin for more work, and steal it from the next. */
const restMs = 100;
/** How long is looked after that whether other work keeps the machine busy. */
const lookMs = 50;

/**
 * Asks contenders in turns: what each measured in each round, an array of numbers, by its name. One
 * that fails takes no further part.
 */
export async function takeTurns(contenders, rounds, turn) {
  const measured = new Map(contenders.map(({ name }) => [name, []]));
  const busy = [];
  for (let round = 1; round <= rounds; round++) {
    // Backwards in each second round, so that nobody always follows the same one.
    for (const contender of round % 2 ? contenders : contenders.toReversed()) {
      const { name } = contender;
      if (!measured.has(name)) continue;
      await sleep(restMs);
      busy.push(await busyCores());
      try {
        const values = await turn(contender);
        measured.get(name).push(values);
        console.error(`round ${round}/${rounds}, ${name}: ${median(values).toFixed(1)}`);
      } catch (error) {
        console.error(`${name} takes no further part: ${error.message}`);
        measured.delete(name);
      }
    }
  }
  console.error(`others kept ${mean(busy).toFixed(2)} cores busy between turns`);
  return measured;
}

/** How many cores work while every contender is idle. */
async function busyCores() {
  const [began, before] = [performance.now(), busyTime()];
  await sleep(lookMs);
  return (busyTime() - before) / (performance.now() - began);
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * A figure of all rounds of a contender, and how many times as large it is for the baseline: in all,
 * and the least and greatest ratio of a round.
 */
export function compare(rounds, baseline, figure = median) {
  const ofRounds = rounds.map(figure);
  const value = figure(rounds.flat());
  if (!baseline) return { value, ofRounds, ratios: [] };
  const ratios = ofRounds.map((own, round) => figure(baseline[round]) / own);
  const ratio = figure(baseline.flat()) / value;
  return { value, ofRounds, ratios: [ratio, Math.min(...ratios), Math.max(...ratios)] };
}

/** The last columns of a table: a ratio and its spread, empty where there is no baseline. */
export function ratioColumns(ratios) {
  return [0, 1, 2].map((i) => ratios[i]?.toFixed(3) ?? '');
}
