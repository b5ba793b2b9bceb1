import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';

/** The reference Python: `SEMISUP_TEST_PYTHON` or the one on PATH. */
export const pythonCommand = process.env.SEMISUP_TEST_PYTHON ?? 'python3';

/** By module: why it cannot be imported, if so. Importing torch takes seconds. */
const importErrors = new Map<string, string | undefined>();

/** The reason that Python cannot be the reference, or undefined if it has all these modules. */
export function pythonLacks(modules: readonly string[]): string | undefined {
  for (const name of modules) {
    if (!importErrors.has(name)) importErrors.set(name, importError(name));
  }
  return modules.map((name) => importErrors.get(name)).find((reason) => reason !== undefined);
}

function importError(name: string): string | undefined {
  return pythonFails(['-c', `import ${name}`]);
}

/** The reason that Python cannot run a script that imports what it needs, or undefined if it can. */
export function pythonFails(args: readonly string[]): string | undefined {
  const { error, status, stderr } = spawnSync(pythonCommand, args, { encoding: 'utf8' });
  if (error) return `${pythonCommand} is not installed`;
  if (status === 0) return undefined;
  return `${pythonCommand} failed: ${stderr.trim().split('\n').at(-1)}; SEMISUP_TEST_PYTHON selects another Python`;
}

/** A Python script that responds to lines of JSON with lines of JSON. */
export class PythonServer implements AsyncDisposable {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  readonly #closed: Promise<unknown>;
  #errors = '';

  constructor(script: string, args: readonly string[] = []) {
    this.#process = spawn(pythonCommand, [script, ...args]);
    this.#closed = once(this.#process, 'close');
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    this.#lines = createInterface(this.#process.stdout);
  }

  /** Calls a function of the script and returns its result. */
  async call<Result>(name: string, ...values: unknown[]): Promise<Result> {
    this.#process.stdin.write(`${JSON.stringify([name, ...values])}\n`);
    const response = (await Promise.race([once(this.#lines, 'line'), this.#closed])) as unknown[];
    if (typeof response[0] !== 'string') throw new Error(`Python ended: ${this.#errors}`);
    return JSON.parse(response[0]) as Result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end();
    await this.#closed;
  }
}
