import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A process of its own that answers lines of JSON with lines of JSON, and is idle between. */
export class Contender {
  /** What it said once it was ready, and the milliseconds from its start till then. */
  ready;
  #process;
  #lines;
  #closed;

  /** Starts a command and waits until it is ready; fails with the reason that it gives. */
  static async start(name, [command, ...args]) {
    const contender = new Contender(name, command, args);
    const began = performance.now();
    const ready = await contender.#answer();
    contender.ready = { ...ready, milliseconds: performance.now() - began };
    return contender;
  }

  constructor(name, command, args) {
    this.name = name;
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#closed = once(this.#process, 'close').catch((error) => [error.message]);
    // Its end is seen when the next answer does not come.
    this.#process.stdin.on('error', () => undefined);
    this.#lines = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
  }

  /** Asks for one thing; may be taken off the object. */
  ask = async (request) => {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    return await this.#answer();
  };

  async close() {
    this.#process.stdin.end();
    await this.#closed;
  }

  async #answer() {
    const { value: line, done } = await this.#lines.next();
    if (done) throw new Error(`it ended: ${(await this.#closed).join(' ')}`);
    // Libraries may print of their own accord.
    if (!line.startsWith('{')) return await this.#answer();
    const answer = JSON.parse(line);
    if (answer.error) throw new Error(answer.error);
    return answer;
  }
}

/** Starts one after the other; those that cannot are left out, with a line that says why. */
export async function startAll(commands) {
  const contenders = [];
  for (const [name, command] of Object.entries(commands)) {
    try {
      if (!command[0]) throw new Error('SEMISUP_BENCH_PYTHON names no Python');
      contenders.push(await Contender.start(name, command));
    } catch (error) {
      console.error(`${name} is left out: ${error.message}`);
    }
  }
  return contenders;
}
