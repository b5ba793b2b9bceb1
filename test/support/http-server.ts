import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers a request; `n` counts from 0. */
export type Answer = (request: IncomingMessage, response: ServerResponse, n: number) => void;

/** A server on this machine for each test of a suite, which answers as the test says. */
export class TestServer {
  answer: Answer = status(500);
  readonly requests: IncomingMessage[] = [];
  #server!: Server;

  constructor() {
    beforeEach(async () => {
      this.requests.length = 0;
      this.#server = createServer((request, response) => {
        this.requests.push(request);
        this.answer(request, response, this.requests.length - 1);
      });
      this.#server.listen(0, '127.0.0.1');
      await once(this.#server, 'listening');
    });
    afterEach(async () => {
      this.#server.closeAllConnections();
      this.#server.close();
      await once(this.#server, 'close');
    });
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Of each request, the header of that name. */
  sent(header: string): (string | undefined)[] {
    return this.requests.map(({ headers }) => headers[header] as string | undefined);
  }
}

/** Bytes that no other call gives. */
export function someBytes(length: number): Buffer {
  return randomBytes(length);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** One answer after the other; the last one again and again. */
export function inTurn(...answers: Answer[]): Answer {
  return (request, response, n) => {
    answers[Math.min(n, answers.length - 1)]!(request, response, n);
  };
}

export function status(code: number, headers: Record<string, string> = {}): Answer {
  return (_, response) => {
    response.writeHead(code, headers).end();
  };
}

/**
 * Gives a file as a good host does: with an ETag, and from where `Range` says as long as `If-Range`
 * names that ETag. With `cut`, the connection ends after that many bytes of each answer.
 */
export function file(bytes: Buffer, { etag = '"1"', cut = Infinity } = {}): Answer {
  return ({ headers }, response) => {
    const asked = /^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1];
    const start = asked !== undefined && headers['if-range'] === etag ? Number(asked) : 0;
    const body = bytes.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      etag,
      'content-length': body.length,
      ...(start > 0 && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    });
    if (body.length <= cut) response.end(body);
    else response.write(body.subarray(0, cut), () => response.destroy());
  };
}
