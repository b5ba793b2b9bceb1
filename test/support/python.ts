import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';

/** The Python to compare with: `SEMISUP_TEST_PYTHON`, or the one on the path. */
const command = process.env.SEMISUP_TEST_PYTHON ?? 'python3';

/** Why Python cannot be used for a comparison, or undefined if it has all these modules. */
export function pythonLacks(modules: readonly string[]): string | undefined {
  const { error, status, stderr } = spawnSync(command, ['-c', `import ${modules.join(', ')}`], {
    encoding: 'utf8',
  });
  if (error) return `there is no ${command}`;
  if (status === 0) return undefined;
  return `${command} says: ${stderr.trim().split('\n').at(-1)}; SEMISUP_TEST_PYTHON can name another`;
}

/** A Python script that answers lines of JSON with lines of JSON. */
export class PythonServer implements AsyncDisposable {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  readonly #closed: Promise<unknown>;
  #errors = '';

  constructor(script: string) {
    this.#process = spawn(command, [script]);
    this.#closed = once(this.#process, 'close');
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    this.#lines = createInterface(this.#process.stdout);
  }

  /** Calls one of the script's functions and waits for what it returns. */
  async call<Result>(name: string, ...values: unknown[]): Promise<Result> {
    this.#process.stdin.write(`${JSON.stringify([name, ...values])}\n`);
    const answer = (await Promise.race([once(this.#lines, 'line'), this.#closed])) as unknown[];
    if (typeof answer[0] !== 'string') throw new Error(`Python ended: ${this.#errors}`);
    return JSON.parse(answer[0]) as Result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end();
    await this.#closed;
  }
}
