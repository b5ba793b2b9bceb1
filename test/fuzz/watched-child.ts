import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FailureKind, Message } from './messages';
import type { Target } from './target';

/** How long one input may take, in milliseconds of wall-clock time: the machine may be busy. */
const maxTime = 120_000;
/** How long the start may take, which imports PyTorch. */
const maxStartTime = 600_000;
const pollInterval = 250;

/** Why a child process ended. */
export interface Ending {
  /** Undefined if the time was up. */
  readonly failure?: { readonly kind: FailureKind; readonly detail: string };
  /** The number of the input that was running. */
  readonly index: number;
  /** How long it ran, in milliseconds, without its start. */
  readonly time: number;
}

/**
 * Runs a target in a child process for a time in milliseconds, or until an input kills it, hangs or takes too much memory.
 * The time starts with the first input.
 */
export async function runWatched(
  target: Target,
  first: number,
  duration: number,
  onMessage: (message: Message) => void,
): Promise<Ending> {
  const memory = '/dev/shm';
  const parent = existsSync(memory) ? memory : tmpdir();
  const directory = await mkdtemp(join(parent, 'semisup-fuzz-'));
  const child = fork(join(__dirname, 'child.ts'), [target.name, directory, String(first)], {
    execArgv: ['--require', 'tsx', '--max-old-space-size=1024'],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let errors = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000);
    // Native libraries must not write to the streams of an application.
    if (/GLib|VIPS/.test(text)) {
      const output = { kind: 'output', index: currentIndex(directory) ?? first } as const;
      onMessage({ type: 'failure', ...output, detail: text.slice(0, 300) });
    }
  });
  child.on('message', onMessage);
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  let ended: readonly [number | null, NodeJS.Signals | null] | undefined;
  void closed.then((result) => (ended = result));
  let index = first;
  let since = performance.now();
  let failure: Ending['failure'];
  let start: number | undefined;
  while (!ended && !failure && !(start !== undefined && performance.now() - start >= duration)) {
    await sleep(pollInterval);
    const now = currentIndex(directory);
    if (now !== undefined && start === undefined) start = since = performance.now();
    if (now !== undefined && now !== index) [index, since] = [now, performance.now()];
    const limit = now === undefined ? maxStartTime : maxTime;
    if (performance.now() - since > limit) {
      failure = { kind: 'hang', detail: `no result within ${limit} ms` };
    }
    const resident = residentBytes(child);
    if (resident > target.maxMemory) {
      failure = { kind: 'memory', detail: `${Math.round(resident / 2 ** 20)} MiB resident` };
    }
  }
  if (ended) {
    const [code, signal] = ended;
    failure = { kind: 'crash', detail: `${signal ?? `exit code ${code}`}: ${errors.trim()}` };
  } else {
    child.kill('SIGKILL');
    await closed;
  }
  index = currentIndex(directory) ?? first;
  await rm(directory, { recursive: true, force: true });
  return { failure, index, time: start === undefined ? 0 : performance.now() - start };
}

function currentIndex(directory: string): number | undefined {
  try {
    return Number(readFileSync(join(directory, 'current')).readBigUInt64LE());
  } catch {
    return undefined;
  }
}

/** The resident memory of a process; 0 where the system does not tell. */
function residentBytes({ pid }: ChildProcess): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
