import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { typescript } from '../../support/run-node';
import type { Operation } from './operations';

/** What a process has printed: the path that it made, the code of a typed error, or any other error. */
export interface Outcome {
  readonly result?: string;
  readonly code?: string;
  readonly untyped?: string;
}

/** A process that runs an operation when it is told to. */
export class OperationProcess {
  readonly #process: ChildProcess;
  readonly #closed: Promise<unknown>;
  #output = '';
  #errors = '';

  constructor(operation: Operation, env: NodeJS.ProcessEnv = {}, uid?: number) {
    const script = join(__dirname, '..', 'children', 'operation.ts');
    const args = ['--require', typescript, script, JSON.stringify(operation)];
    this.#process = spawn(process.execPath, args, {
      cwd: join(__dirname, '..', '..', '..'),
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(uid !== undefined && { uid, gid: uid }),
    });
    this.#process.stdout!.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    // A process that was killed cannot be told anything.
    this.#process.stdin!.on('error', () => undefined);
    this.#closed = once(this.#process, 'close');
  }

  /** Waits until the process has loaded what it needs. */
  async isReady(): Promise<void> {
    while (!this.#output.includes('ready')) {
      assert(this.#process.exitCode === null, this.#errors);
      await Promise.race([once(this.#process.stdout!, 'data'), this.#closed]);
    }
  }

  start(): void {
    this.#process.stdin!.write('go\n');
  }

  /** Kills the process, without a chance to clean up. Returns whether it had finished before. */
  async kill(): Promise<boolean> {
    const finished = this.#output.includes('{');
    this.#process.kill('SIGKILL');
    await this.#closed;
    return finished;
  }

  /** Waits for the end. Fails if the process crashes, or has no typed outcome. */
  async outcome(): Promise<Outcome> {
    await this.#closed;
    const { exitCode, signalCode } = this.#process;
    assert.deepEqual({ exitCode, signalCode }, { exitCode: 0, signalCode: null }, this.#errors);
    const outcome = JSON.parse(this.#output.replace('ready\n', '')) as Outcome;
    assert.equal(outcome.untyped, undefined);
    return outcome;
  }
}
