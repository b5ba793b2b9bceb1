/**
 * Runs mixed load at saturation, and checks that every request is answered as it should be, that memory does not grow and
 * that nothing is left at the end.
 *   npm run soak -- --minutes 60 [--clients 16] [--seed 1]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Classifier, memory, ModelSlot, type SemisupError } from '../../src';
import { writeBadImages, writeGoodImages, writeModels, type GoodImage } from './inputs';
import { Random } from '../support/random';
import { slopeOf } from './regression';
import { requests, type Context } from './requests';
import { swapRepeatedly } from './swaps';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    clients: { type: 'string', default: '16' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
  },
});
const [minutes, clients, seed] = [values.minutes, values.clients, values.seed].map(Number) as [
  number,
  number,
  number,
];

/** The samples of the first part are not used: caches fill, and the allocator's arenas grow. */
const warmupShare = 0.25;
/** The growth in MB per minute that the interval of the slope must not exceed. Short runs are noisier. */
const maxGrowth = Math.max(1, 100 / minutes);

const outcomes = new Map<string, number>();
const failures: string[] = [];
let [sent, answered] = [0, 0];

void main();

async function main(): Promise<void> {
  console.log(`soak: ${minutes} minutes, ${clients} clients, --seed ${seed}`);
  const directory = await mkdtemp(join(tmpdir(), 'semisup-soak-'));
  try {
    const resourcesBefore = countResources();
    const report = await runLoad(directory);
    const left = await findLeftovers(resourcesBefore);
    printReport(report, left);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Report {
  /** [minutes, resident MB]. */
  readonly samples: readonly (readonly [number, number])[];
  readonly delay: { readonly p50: number; readonly p99: number; readonly max: number };
}

async function runLoad(directory: string): Promise<Report> {
  const models = await writeModels(directory);
  const corrupt = join(directory, 'corrupt.pt');
  await writeFile(corrupt, 'no TorchScript');
  const good = await writeGoodImages(directory);
  const context: Context = {
    slot: await ModelSlot.open(models[0]),
    bounded: await Classifier.open(models[0], { queue: { calls: 4 }, plan: 'untuned' }),
    models,
    good,
    bad: await writeBadImages(directory),
    random: new Random(seed),
    expected: await predict(models[0], good),
  };
  const histogram = monitorEventLoopDelay({ resolution: 5 });
  histogram.enable();
  const start = performance.now();
  const end = start + minutes * 60_000;
  const samples: (readonly [number, number])[] = [];
  const timer = setInterval(() => {
    globalThis.gc?.();
    samples.push([(performance.now() - start) / 60_000, process.memoryUsage.rss() / 2 ** 20]);
    if (process.stderr.isTTY)
      process.stderr.write(`\r${answered} answered, ${failures.length} failed`);
  }, 2_000);
  const stop = () => performance.now() >= end || failures.length > 20;
  await Promise.all([
    ...Array.from({ length: clients }, () => runClient(context, stop)),
    swapRepeatedly({ ...context, corrupt, stop, onOutcome: count, onFailure: fail }),
  ]);
  clearInterval(timer);
  histogram.disable();
  await Promise.all([context.slot.close(), context.bounded.close()]);
  const milliseconds = (nanoseconds: number) => nanoseconds / 1e6;
  return {
    samples,
    delay: {
      p50: milliseconds(histogram.percentile(50)),
      p99: milliseconds(histogram.percentile(99)),
      max: milliseconds(histogram.max),
    },
  };
}

async function predict(
  model: string,
  images: readonly GoodImage[],
): Promise<ReadonlyMap<GoodImage, number>> {
  await using classifier = await Classifier.open(model);
  const results = await classifier.classify(images.map(({ path }) => path));
  return new Map(images.map((image, i) => [image, results[i]![0]!.index]));
}

async function runClient(context: Context, stop: () => boolean): Promise<void> {
  const entries = Object.entries(requests);
  const total = entries.reduce((sum, [, [weight]]) => sum + weight, 0);
  while (!stop()) {
    let rest = context.random.below(total);
    const [name, [, send]] = entries.find(([, [weight]]) => (rest -= weight) < 0)!;
    sent++;
    try {
      count(`${name}: ${await send(context)}`);
    } catch (error) {
      fail(name, error);
    }
    answered++;
  }
}

function count(outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

function fail(name: string, error: unknown): void {
  const { code, stack } = error as Partial<SemisupError>;
  failures.push(`${name}: ${code ?? ''} ${stack ?? String(error)}`);
}

function countResources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** What is still open, once the event loop and the garbage collector have had time. */
async function findLeftovers(before: Record<string, number>): Promise<string[]> {
  for (let i = 0; i < 10; i++) {
    globalThis.gc?.();
    await sleep(200);
  }
  const left = Object.entries(countResources())
    .filter(([name, n]) => name !== 'Timeout' && n > (before[name] ?? 0))
    .map(([name, n]) => `${n} ${name}`);
  for (const [kind, { count: n }] of Object.entries(memory())) {
    if (n > 0 && kind !== 'executors') left.push(`${n} native ${kind}`);
  }
  return left;
}

function printReport({ samples, delay }: Report, left: readonly string[]): void {
  for (const [outcome, n] of [...outcomes].sort())
    console.log(`  ${String(n).padStart(8)} ${outcome}`);
  const steady = samples.slice(Math.floor(samples.length * warmupShare));
  const slope = slopeOf(steady);
  const [first, last] = [steady[0]!, steady.at(-1)!].map(([, rss]) => Math.round(rss));
  const digits = (value: number) => value.toFixed(2);
  console.log(`requests: ${sent} sent, ${answered} settled, ${failures.length} failed`);
  console.log(
    `resident memory: ${first} to ${last} MB, ${digits(slope.value)} MB per minute (95 %: ${digits(slope.low)} to ${digits(slope.high)})`,
  );
  console.log(
    `event-loop delay: median ${digits(delay.p50)}, p99 ${digits(delay.p99)}, max ${digits(delay.max)} ms`,
  );
  if (sent !== answered) failures.push(`${sent - answered} requests were not settled`);
  if (slope.low > maxGrowth)
    failures.push(`memory grows by at least ${digits(slope.low)} MB per minute`);
  if (left.length > 0) failures.push(`left at the end: ${left.join(', ')}`);
  for (const failure of failures.slice(0, 20)) console.error(`FAILED ${failure}`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}
