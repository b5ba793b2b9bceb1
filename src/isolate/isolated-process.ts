import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Duplex } from 'node:stream';
import { Channel, type Message } from './channel';
import { childEnvironment, childFlags, nodeExecutable } from './environment';
import { decodeError } from './error-transfer';
import {
  answerError,
  exitError,
  memoryError,
  siblingError,
  startError,
  timeoutError,
  type Ending,
} from './failures';
import type { CompleteLimits } from './limits';
import { MemoryWatch } from './memory-watch';

/** The file descriptor of the channel in the child process. */
export const channelDescriptor = 3;

/** How much of the end of stderr is kept, in characters. */
const maxStderr = 1000;

/** How long the last output of a process that has ended is waited for, in milliseconds. */
const stderrDelay = 200;

/** A request to the process. */
export interface Request {
  readonly method: string;
  readonly argument: object;
  readonly parts?: readonly Uint8Array[];
  /** What the model does, for the message of a time-out, e.g. `load`. */
  readonly activity: string;
  /** In milliseconds. */
  readonly timeLimit: number;
}

interface PendingRequest {
  readonly resolve: (answer: Message) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

/** How a process is started. */
export interface ProcessOptions {
  /** The model's name, for messages. */
  readonly name: string;
  /** The path of the program, which calls `serve`. */
  readonly entry: string;
  readonly limits: CompleteLimits;
  /** The directory of the LibTorch that the process opens. */
  readonly libtorch: string;
}

/**
 * A child process that answers requests. It inherits no handles but the channel and stderr, and is killed when a
 * request exceeds its time limit, when its resident memory exceeds the limit, and when this process ends for whatever
 * reason. Keeps the event loop alive while requests are pending only.
 */
export class IsolatedProcess {
  /** Resolves when the process has ended. Never rejects. */
  readonly ended: Promise<void>;
  readonly #options: ProcessOptions;
  readonly #child: ChildProcess;
  readonly #channel: Channel;
  readonly #watch: MemoryWatch;
  readonly #pending = new Map<number, PendingRequest>();
  #lastId = 0;
  #stderr = '';
  /** Why the process was killed, or has ended. */
  #failure: Error | undefined;
  #hasEnded = false;

  /** @throws IsolationError, or PermissionError, if it cannot be started */
  constructor(options: ProcessOptions) {
    const { name, entry, limits, libtorch } = options;
    this.#options = options;
    try {
      this.#child = spawn(nodeExecutable(), [...childFlags(entry, limits.memory), entry], {
        env: childEnvironment(libtorch),
        stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
        windowsHide: true,
      });
    } catch (cause) {
      throw startError(name, cause);
    }
    this.#child.on('error', ignore);
    const stream = this.#child.stdio?.[channelDescriptor] as Duplex | undefined;
    // If this process has too many open files, there are no streams.
    if (!stream) throw startError(name, new Error('its streams could not be opened'));
    this.#channel = new Channel(
      stream,
      limits.memory,
      (message) => {
        this.#receive(message);
      },
      (error) => {
        this.kill(answerError(name, error));
      },
    );
    // A process that closes its end of the channel can no longer answer.
    stream.on('error', ignore).on('close', () => {
      this.#child.kill('SIGKILL');
    });
    this.#child.stderr!.setEncoding('utf8').on('error', ignore);
    this.#child.stderr!.on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-maxStderr);
    });
    this.#watch = new MemoryWatch(this.#child.pid ?? 0, (bytes) => {
      this.#checkMemory(bytes);
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (cause) => {
        if (this.#child.pid !== undefined) return;
        this.#end(startError(name, cause));
        resolve();
      });
      this.#child.once('exit', (code, signal) => {
        resolve();
        void this.#explainExit({ code, signal });
      });
    });
    this.#updateReferences();
  }

  /** Whether it still runs, as far as is known. */
  get isAlive(): boolean {
    return this.#failure === undefined && !this.#hasEnded;
  }

  /** Whether the process must report its memory, because the system does not. */
  get mustReportMemory(): boolean {
    return !this.#watch.isAvailable;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Sends a request.
   *
   * @throws the error that the process reports; ScriptError (`ERR_SEMISUP_TIMEOUT`) after the time limit;
   *   IsolationError if the process ends
   */
  async request({ method, argument, parts, activity, timeLimit }: Request): Promise<Message> {
    if (!this.isAlive) throw this.#failure!;
    const id = ++this.#lastId;
    return await new Promise<Message>((resolve, reject) => {
      const timer = setTimeout(() => {
        // The answer may have arrived while the event loop was blocked: read it first.
        setImmediate(() => {
          this.#expire(id, activity, timeLimit);
        });
      }, timeLimit);
      this.#pending.set(id, { resolve, reject, timer });
      this.#updateReferences();
      this.#channel.send({ id, method, argument }, parts);
    });
  }

  /** Kills the process. Pending requests are rejected with `reason`. */
  kill(reason: Error): void {
    if (this.#hasEnded) return;
    this.#end(reason);
    // Running native work can be ended in no other way.
    this.#child.kill('SIGKILL');
    // `ended` may be awaited.
    this.#child.ref();
  }

  #receive(message: Message): void {
    const { id, memory, error } = message.header as Record<string, unknown>;
    if (typeof memory === 'number') {
      this.#checkMemory(memory);
      return;
    }
    const request = this.#pending.get(id as number);
    if (!request) throw new Error('it answers no request');
    const failure = error === undefined ? undefined : decodeError(error);
    this.#settle(id as number, request);
    if (failure) request.reject(failure);
    else request.resolve(message);
  }

  #settle(id: number, { timer }: PendingRequest): void {
    clearTimeout(timer);
    this.#pending.delete(id);
    this.#updateReferences();
  }

  #expire(id: number, activity: string, milliseconds: number): void {
    const request = this.#pending.get(id);
    if (!request) return;
    const { name } = this.#options;
    const error = timeoutError(name, activity, milliseconds);
    this.#settle(id, request);
    request.reject(error);
    this.kill(siblingError(name, error));
  }

  #checkMemory(bytes: number): void {
    const { name, limits } = this.#options;
    if (bytes > limits.memory) this.kill(memoryError(name, bytes, limits.memory));
  }

  async #explainExit(ending: Omit<Ending, 'stderr'>): Promise<void> {
    this.#watch.stop();
    if (this.#failure === undefined && !this.#child.stderr!.closed) {
      // The output may arrive after the exit; or never end, if a process of the model's has inherited it.
      const closed = new Promise((resolve) => this.#child.stderr!.once('close', resolve));
      await Promise.race([closed, sleep(stderrDelay)]);
    }
    this.#end(exitError(this.#options.name, { ...ending, stderr: this.#stderr }));
    this.#child.stderr!.destroy();
  }

  /** Rejects the pending requests. */
  #end(reason: Error): void {
    this.#failure ??= reason;
    this.#hasEnded = true;
    this.#watch.stop();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#updateReferences();
    for (const { reject, timer } of pending) {
      clearTimeout(timer);
      reject(this.#failure);
    }
  }

  #updateReferences(): void {
    const isBusy = this.#pending.size > 0;
    const method = isBusy ? 'ref' : 'unref';
    this.#child[method]();
    for (const stream of [this.#child.stderr, this.#child.stdio[channelDescriptor]]) {
      (stream as { ref?(): void; unref?(): void } | null)?.[method]?.();
    }
    if (this.#hasEnded) this.#watch.stop();
    else this.#watch.start(isBusy ? 'busy' : 'idle');
  }
}

function ignore(): void {
  // The event `exit` follows, or another listener handles the error.
}
