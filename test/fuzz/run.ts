/**
 * Mutates inputs until the time is up: `npm run fuzz -- [--minutes N | --seconds N] [--target NAME]… [--out DIR]`.
 * Continues where the last run with the same directory ended. Fails if an input crashed the process, hung, took
 * too much memory, raised an untyped error, or was read differently than by the reference.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../support/run-node';
import { inputOf } from './case';
import type { FailureKind, Message } from './messages';
import type { Target } from './target';
import { targets } from './targets';
import { runWatched } from './watched-child';

/** What all runs of a target found. */
interface Totals {
  /** The number of the next input. */
  next: number;
  cases: number;
  accepted: number;
  compared: number;
  seconds: number;
  failures: { kind: FailureKind; index: number; detail: string }[];
}

/** The inputs of further failures are not kept. */
const maxFailures = 100;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      seconds: { type: 'string' },
      target: { type: 'string', multiple: true },
      out: { type: 'string', default: join(root, 'build', 'fuzz') },
    },
  });
  const seconds = Number(values.seconds ?? 60 * Number(values.minutes ?? 10));
  const selected = targets.filter(({ name }) => values.target?.includes(name) ?? true);
  if (!(seconds > 0) || selected.length === 0) {
    throw new Error(
      `Pass a positive time, and targets of ${targets.map(({ name }) => name).join(', ')}.`,
    );
  }
  await mkdir(join(values.out, 'failures'), { recursive: true });
  let failures = 0;
  for (const target of selected) {
    failures += await fuzz(target, (1000 * seconds) / selected.length, values.out);
  }
  process.exitCode = failures > 0 ? 1 : 0;
}

/** Runs a target for a time in milliseconds, and returns the number of failures. */
async function fuzz(target: Target, time: number, out: string): Promise<number> {
  const seeds = await target.seeds();
  const file = join(out, `${target.name}.json`);
  const totals = await readTotals(file);
  const known = totals.failures.length;
  const before = totals.cases;
  const report = async (kind: FailureKind, index: number, detail: string, input?: Buffer) => {
    totals.failures.push({ kind, index, detail });
    console.error(`${target.name}: ${kind} at input ${index}: ${detail}`);
    if (totals.failures.length > maxFailures) return;
    const path = join(out, 'failures', `${target.name}-${kind}-${index}.bin`);
    await writeFile(path, input ?? inputOf(target, seeds, index));
  };
  const reports: Promise<void>[] = [];
  const onMessage = (message: Message) => {
    if (message.type === 'failure') {
      const input = message.input === undefined ? undefined : Buffer.from(message.input, 'base64');
      reports.push(report(message.kind, message.index, message.detail, input));
    } else {
      totals.cases += message.cases;
      totals.accepted += message.accepted;
      totals.compared += message.compared;
    }
  };
  let elapsed = 0;
  while (elapsed < time) {
    const remaining = time - elapsed;
    const {
      failure,
      index,
      time: ran,
    } = await runWatched(target, totals.next, remaining, onMessage);
    // A child that fails at its start must not be restarted for ever.
    elapsed += Math.max(ran, 1000);
    totals.next = index + 1;
    if (failure) await report(failure.kind, index, failure.detail);
  }
  await Promise.all(reports);
  totals.seconds += elapsed / 1000;
  await writeFile(file, JSON.stringify(totals, null, 2));
  const found = totals.failures.length - known;
  const cases = totals.cases - before;
  const rate = Math.round(cases / (elapsed / 1000));
  console.log(
    `${target.name}: ${cases} inputs (${rate}/s), ${found} failures; in all runs ${totals.cases} inputs, ` +
      `${totals.accepted} accepted, ${totals.compared} compared, ${totals.failures.length} failures`,
  );
  return found;
}

async function readTotals(file: string): Promise<Totals> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Totals;
  } catch {
    return { next: 0, cases: 0, accepted: 0, compared: 0, seconds: 0, failures: [] };
  }
}

void main();
