import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { Channel, type Message } from './channel';
import { encodeError } from './error-transfer';
import { channelDescriptor } from './isolated-process';

/** The result of a request: JSON, and the parts of the message's body. */
export interface Answer {
  readonly header: object;
  readonly parts?: readonly Uint8Array[];
}

/** The functions that answer requests, by the name of their method. */
export type Handlers = Readonly<Record<string, (argument: Message) => Promise<Answer>>>;

/** The interval at which the process reports its memory, in milliseconds. */
const reportInterval = 50;

/**
 * Answers the requests of the parent process, in a process that `IsolatedProcess` has started. Ends when the parent
 * does. Requests run concurrently.
 */
export function serve(handlers: Handlers): void {
  const socket = new Socket({ fd: channelDescriptor, readable: true, writable: true });
  // Not `process.exit`, which waits for running native work: a model may be in an endless loop.
  const endProcess = () => {
    process.kill(process.pid, 'SIGKILL');
  };
  socket.on('end', endProcess).on('close', endProcess).on('error', endProcess);
  // Sent to all processes of a terminal or a service: the parent decides when this one ends.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => undefined);
  preferToBeKilled();
  const channel = new Channel(
    socket,
    Infinity,
    (message) => {
      void answer(message);
    },
    endProcess,
  );
  const answer = async ({ header, body }: Message) => {
    const { id, method, argument } = header as { id: number; method: string; argument: object };
    try {
      if ((argument as { reportMemory?: boolean }).reportMemory) reportMemory(channel);
      const { header: result, parts } = await handlers[method]!({ header: argument, body });
      channel.send({ id, result }, parts);
    } catch (error) {
      channel.send({ id, error: encodeError(error) });
    }
  };
}

/** Makes Linux end this process rather than its parent if the machine runs out of memory. */
function preferToBeKilled(): void {
  if (process.platform !== 'linux') return;
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Some containers do not allow it.
  }
}

function reportMemory(channel: Channel): void {
  setInterval(() => {
    channel.send({ memory: process.memoryUsage.rss() });
  }, reportInterval).unref();
}
