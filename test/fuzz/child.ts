/** Runs the inputs of one target from a number on, until it is killed: `child.ts <target> <directory> <index>`. */
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { PythonServer } from '../support/python';
import { inputOf } from './case';
import type { Message } from './messages';
import { minimize } from './minimize';
import { targets } from './targets';
import type { Outcome, TargetContext } from './target';

/** The processor time that one input may take, in seconds: the wall clock tells little on a busy machine. */
const maxSeconds = 10;
/** How often progress is reported, in milliseconds. */
const reportInterval = 500;

async function main([name, directory, first]: readonly string[]): Promise<void> {
  const target = targets.find((target) => target.name === name)!;
  const seeds = await target.seeds();
  let compared = 0;
  const askPython = await openOracle(target.reference, () => compared++);
  const run = await target.open({ directory: directory!, askPython });
  // Where the number of the current input is, if the process does not survive it.
  const current = openSync(join(directory!, 'current'), 'w');
  const number = Buffer.alloc(8);
  let cases = 0;
  let accepted = 0;
  let reported = performance.now();
  for (let index = Number(first); ; index++) {
    number.writeBigUInt64LE(BigInt(index));
    writeSync(current, number, 0, 8, 0);
    const input = inputOf(target, seeds, index);
    const before = process.cpuUsage();
    const result = await tryInput(run, input);
    const { user, system } = process.cpuUsage(before);
    const seconds = (user + system) / 1e6;
    if (seconds > maxSeconds) {
      send({ type: 'failure', kind: 'slow', index, detail: `took ${seconds.toFixed(1)} s` });
    }
    if (typeof result === 'string') {
      const fails = async (smaller: Buffer) => (await tryInput(run, smaller)) === result;
      const smallest = await minimize(input, fails);
      const found = { index, detail: result, input: smallest.toString('base64') };
      send({ type: 'failure', kind: 'untyped', ...found });
    } else {
      if (result.accepted) accepted++;
      if (result.mismatch !== undefined) {
        send({ type: 'failure', kind: 'mismatch', index, detail: result.mismatch });
      }
    }
    cases++;
    if (performance.now() - reported < reportInterval) continue;
    send({ type: 'progress', cases, accepted, compared });
    [cases, accepted, compared] = [0, 0, 0];
    reported = performance.now();
  }
}

/** The outcome, or a description of an error that is not typed. */
async function tryInput(
  run: (input: Buffer) => Promise<Outcome>,
  input: Buffer,
): Promise<Outcome | string> {
  try {
    return await run(input);
  } catch (error) {
    const stack = error instanceof Error ? error.stack : undefined;
    return (stack ?? String(error)).split('\n').slice(0, 3).join(' ').slice(0, 500);
  }
}

/** Only a Python that was named is the reference, so that results do not depend on the one on PATH. */
async function openOracle(
  modules: readonly string[] | undefined,
  onAnswer: () => void,
): Promise<TargetContext['askPython']> {
  const isNamed = process.env.SEMISUP_TEST_PYTHON !== undefined;
  let server = isNamed && modules ? await startOracle(modules) : undefined;
  if (!server) return () => Promise.resolve(undefined);
  return async <Result>(name: string, ...values: unknown[]) => {
    server ??= new PythonServer(join(__dirname, 'oracle.py'));
    try {
      const answer = await server.call<Result>(name, ...values);
      onAnswer();
      return answer;
    } catch {
      // The input crashed the reference.
      server = undefined;
      return undefined;
    }
  };
}

/** Starts Python and imports modules, which takes long. Returns undefined if it lacks one of them. */
async function startOracle(modules: readonly string[]): Promise<PythonServer | undefined> {
  const server = new PythonServer(join(__dirname, 'oracle.py'));
  const isReady = await server.call<boolean | null>('ready', ...modules).catch(() => null);
  if (isReady) return server;
  await server[Symbol.asyncDispose]();
  return undefined;
}

function send(message: Message): void {
  process.send!(message);
}

void main(process.argv.slice(2));
