import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { typescript } from './run-node';

/** A child process that runs a script of `test/support/children`. */
export class Child {
  readonly process: ChildProcess;
  output = '';

  /** @param options `limit` is a shell command that runs first, e.g. `ulimit -f 100` */
  constructor(script: string, args: string[], { limit = 'true', env = {} } = {}) {
    const command = [
      process.execPath,
      '--require',
      typescript,
      join(__dirname, 'children', script),
    ];
    this.process = spawn('sh', ['-c', `${limit}; exec "$@"`, 'sh', ...command, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.process.stdout!.setEncoding('utf8').on('data', (text: string) => (this.output += text));
  }

  /** Waits until the child has written `text`. */
  async says(text: string): Promise<void> {
    while (!this.output.includes(text)) await once(this.process.stdout!, 'data');
  }

  /** Waits until the child exits and returns its output. */
  async ends(): Promise<string> {
    await once(this.process, 'close');
    return this.output;
  }

  /** Kills the child without a chance to clean up. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await once(this.process, 'close');
  }
}
