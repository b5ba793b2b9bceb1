// Loads mutated TorchScript archives in child processes:
//   node --require tsx test/fuzz/torchscript.ts [--runs N] [--seed N] [--keep DIRECTORY]
// A crash, a load of more than 10 s, more than 1 GB of memory and an untyped error are failures; their archives are
// kept. Exits with 1 if there are any.
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mutate, run, seeds, type Random } from './torchscript-target';

const secondsPerRun = 10;
/** Of the wall clock: a run that only waits. */
const secondsUntilHung = 120;
const maxBytes = 2 ** 30;
const runsPerProcess = 2000;

/** Mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

function archiveOf(seed: number, all: readonly Buffer[]): Buffer {
  const random = randomFrom(seed);
  return mutate(random, all[Math.floor(random() * all.length)]!);
}

interface Message {
  readonly seed: number;
  readonly outcome?: string;
  readonly error?: string;
  readonly seconds?: number;
  readonly rss?: number;
}

/** Runs the seeds that the parent sends, one after the other. */
function serve(): void {
  const all = seeds();
  process.on('message', (seed: number) => {
    const before = process.cpuUsage();
    run(archiveOf(seed, all)).then(
      (outcome) => process.send!({ seed, outcome, ...cost(before) }),
      (error: unknown) => process.send!({ seed, error: String(error) }),
    );
  });
  // Loads LibTorch before the first run is timed.
  void run(all[0]!).then(() => process.send!({ seed: -1 }));
}

/** The processor time since `before`, because the machine may be busy, and the highest memory so far. */
function cost(before: NodeJS.CpuUsage): { seconds: number; rss: number } {
  const { user, system } = process.cpuUsage(before);
  return { seconds: (user + system) / 1e6, rss: peakBytes() };
}

/** The highest resident size so far; a later run cannot lower it. */
function peakBytes(): number {
  if (process.platform !== 'linux') return process.memoryUsage().rss;
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
}

async function fuzz(runs: number, first: number, keep: string | undefined): Promise<number> {
  const counts: Record<string, number> = {};
  const failures: string[] = [];
  let next = first;
  const fail = (seed: number, reason: string) => {
    failures.push(`seed ${seed}: ${reason}`);
    process.stderr.write(`${failures.at(-1)!.slice(0, 500)}\n`);
    if (keep === undefined) return;
    mkdirSync(keep, { recursive: true });
    writeFileSync(join(keep, `${seed}.pt`), archiveOf(seed, seeds()));
  };
  while (next < first + runs) {
    const end = Math.min(first + runs, next + runsPerProcess);
    const child = fork(__filename, ['--serve'], {
      execArgv: ['--require', 'tsx'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    next = await drive(child, next, end, counts, fail);
    process.stderr.write(
      `${next - first} of ${runs}: ${JSON.stringify(counts)}, ${failures.length} failed\n`,
    );
  }
  console.log(JSON.stringify({ runs, seed: first, counts, failures }));
  return failures.length;
}

/** Sends seeds to the child until `end`, a failure that ended it, or one after which it cannot be used. */
function drive(
  child: ChildProcess,
  start: number,
  end: number,
  counts: Record<string, number>,
  fail: (seed: number, reason: string) => void,
): Promise<number> {
  return new Promise((resolve) => {
    let seed = start;
    let stderr = '';
    let timer: NodeJS.Timeout | undefined;
    let isDone = false;
    const done = (next: number) => {
      if (isDone) return;
      isDone = true;
      clearTimeout(timer);
      child.kill('SIGKILL');
      resolve(next);
    };
    const send = () => {
      if (seed >= end) {
        done(seed);
        return;
      }
      clearTimeout(timer);
      timer = setTimeout(() => {
        fail(seed, `did not end within ${secondsUntilHung} s`);
        done(seed + 1);
      }, secondsUntilHung * 1000);
      child.send(seed);
    };
    child
      .stderr!.setEncoding('utf8')
      .on('data', (text: string) => (stderr = (stderr + text).slice(-2000)));
    child.on('message', ({ seed: ran, outcome, error, seconds = 0, rss = 0 }: Message) => {
      if (ran >= 0) {
        if (error !== undefined) fail(ran, error);
        else counts[outcome!] = (counts[outcome!] ?? 0) + 1;
        if (seconds > secondsPerRun) fail(ran, `took ${seconds.toFixed(1)} s`);
        seed++;
        if (rss > maxBytes) {
          fail(ran, `took ${Math.round(rss / 2 ** 20)} MiB`);
          done(seed);
          return;
        }
      }
      send();
    });
    child.on('exit', (code, signal) => {
      if (!isDone) fail(seed, `the process ended with ${signal ?? code}: ${stderr}`);
      done(seed + 1);
    });
  });
}

if (process.argv.includes('--serve')) {
  serve();
} else {
  const { values } = parseArgs({
    options: { runs: { type: 'string' }, seed: { type: 'string' }, keep: { type: 'string' } },
  });
  void fuzz(Number(values.runs ?? 1000), Number(values.seed ?? 1), values.keep).then((failed) => {
    process.exitCode = failed > 0 ? 1 : 0;
  });
}
