import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Responds to a request; `n` counts requests from 0. */
export type RequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  n: number,
) => void;

/** A local server for each test of a suite, which responds with `handler`. */
export class TestServer {
  handler: RequestHandler = status(500);
  readonly requests: IncomingMessage[] = [];
  #server!: Server;

  constructor() {
    beforeEach(async () => {
      this.requests.length = 0;
      this.#server = createServer((request, response) => {
        this.requests.push(request);
        this.handler(request, response, this.requests.length - 1);
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

  /** The values of a header in all requests. */
  sent(header: string): (string | undefined)[] {
    return this.requests.map(({ headers }) => headers[header] as string | undefined);
  }
}

/** Random bytes. */
export function someBytes(length: number): Buffer {
  return randomBytes(length);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Responds with each of the handlers in turn, then repeats the last one. */
export function respondInTurn(...handlers: RequestHandler[]): RequestHandler {
  return (request, response, n) => {
    handlers[Math.min(n, handlers.length - 1)]!(request, response, n);
  };
}

export function status(code: number, headers: Record<string, string> = {}): RequestHandler {
  return (_, response) => {
    response.writeHead(code, headers).end();
  };
}

/**
 * Serves a file with an ETag, and a range of it if `If-Range` matches that ETag. With `cut`, the
 * connection closes after that many bytes of each response.
 */
export function file(bytes: Buffer, { etag = '"1"', cut = Infinity } = {}): RequestHandler {
  return ({ headers }, response) => {
    const rangeStart = /^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1];
    const start = rangeStart !== undefined && headers['if-range'] === etag ? Number(rangeStart) : 0;
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
