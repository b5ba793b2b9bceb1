import { difference } from './agreement.mjs';
import { compare, interleave, ratioColumns } from './interleave.mjs';
import { quantile } from './statistics.mjs';

/** The contenders that an option such as `a,b` names, or the defaults. @throws Error for an unknown name */
export function selectContenders(all, names, defaults = Object.keys(all)) {
  const selected = names?.split(',') ?? defaults;
  const unknown = selected.find((name) => !(name in all));
  if (unknown)
    throw new Error(`Expected one of ${Object.keys(all).join(', ')}, but received ${unknown}.`);
  return Object.fromEntries(selected.map((name) => [name, all[name]]));
}

/**
 * Runs each contender's forward for the first time, so that tuning, compilation and capture are not
 * measured. Returns the responses by name; a contender that fails is excluded.
 */
export async function warmUp(contenders, batch, runs) {
  const warm = new Map();
  for (const { name, request } of contenders) {
    try {
      const began = performance.now();
      const response = await request({ batch, runs, logits: true });
      warm.set(name, response);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.error(`${name}: warm after ${seconds} s ${JSON.stringify(response.plan ?? '')}`);
    } catch (error) {
      console.error(`${name} is excluded: ${error.message}`);
    }
  }
  return warm;
}

/**
 * The difference of each contender's logits from the reference's, by name; none without a reference. One
 * that exceeds the contender's tolerance fails the benchmark.
 */
export function compareLogits(warm, reference, toleranceOf) {
  const differences = new Map();
  if (!warm.has(reference)) return differences;
  for (const [name, { logits }] of warm) {
    const relative = difference(logits, warm.get(reference).logits);
    // Negated, because NaN fails every comparison.
    const isWrong = !(relative <= toleranceOf(name));
    if (isWrong) process.exitCode = 1;
    differences.set(name, relative.toExponential(1));
    console.error(
      `${name}: logits ${isWrong ? 'DIFFER' : 'agree'}, relative difference from ${reference} ${differences.get(name)}`,
    );
  }
  return differences;
}

/**
 * Times forwards of the contenders that are warm, interleaved: in each round as many runs as fit into
 * `roundMs`, from `minRuns` to `maxRuns`, after `untimedRuns` that wake threads and fill caches. Returns
 * their milliseconds by name, an array for each round.
 */
export async function timeForwards(contenders, warm, batch, limits) {
  const { rounds, roundMs, minRuns, maxRuns, untimedRuns } = limits;
  const participants = contenders.filter(({ name }) => warm.has(name));
  return await interleave(participants, rounds, async ({ name, request }) => {
    const fitting = Math.round(roundMs / warm.get(name).milliseconds.at(-1));
    const runs = Math.min(Math.max(fitting, minRuns), maxRuns);
    const { milliseconds } = await request({ batch, runs: untimedRuns + runs });
    return milliseconds.slice(untimedRuns);
  });
}

/** A contender's median, its p10 and p90 in milliseconds, and the ratios to the baseline. */
export function summarize(rounds, baselineRounds, decimals) {
  const { value, ratios } = compare(rounds, baselineRounds);
  const all = rounds.flat();
  const milliseconds = [value, quantile(all, 0.1), quantile(all, 0.9)];
  return {
    median: value,
    milliseconds: milliseconds.map((one) => one.toFixed(decimals)),
    ratios: ratioColumns(ratios),
  };
}
