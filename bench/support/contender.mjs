import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A child process that responds to lines of JSON with lines of JSON and is idle in between. */
export class Contender {
  /** Its first response, and the milliseconds from its start to that response. */
  ready;
  #process;
  #lines;
  #closed;

  /** Starts a command and waits until it is ready. Throws the error that the process reports. */
  static async start(name, [command, ...args]) {
    const contender = new Contender(name, command, args);
    const began = performance.now();
    const ready = await contender.#readResponse();
    contender.ready = { ...ready, milliseconds: performance.now() - began };
    return contender;
  }

  constructor(name, command, args) {
    this.name = name;
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#closed = once(this.#process, 'close').catch((error) => [error.message]);
    // The next read reports that the process ended.
    this.#process.stdin.on('error', () => undefined);
    this.#lines = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
  }

  /** Sends a request and returns the response. Bound to the object, so that it can be destructured. */
  request = async (body) => {
    this.#process.stdin.write(`${JSON.stringify(body)}\n`);
    return await this.#readResponse();
  };

  async close() {
    this.#process.stdin.end();
    await this.#closed;
  }

  async #readResponse() {
    const { value: line, done } = await this.#lines.next();
    if (done) throw new Error(`the process ended: ${(await this.#closed).join(' ')}`);
    // Libraries may print to stdout too.
    if (!line.startsWith('{')) return await this.#readResponse();
    const response = JSON.parse(line);
    if (response.error) throw new Error(response.error);
    return response;
  }
}

/** Starts contenders one after another. One that fails to start is excluded, and stderr says why. */
export async function startAll(commands) {
  const contenders = [];
  for (const [name, command] of Object.entries(commands)) {
    try {
      if (!command[0]) throw new Error('SEMISUP_BENCH_PYTHON is not set');
      contenders.push(await Contender.start(name, command));
    } catch (error) {
      console.error(`${name} is excluded: ${error.message}`);
    }
  }
  return contenders;
}
