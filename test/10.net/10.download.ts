import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { download, type DownloadProgress } from '../../src/net/download';
import { redirectTarget } from '../../src/net/http';
import { failure, fastRetries, namesIn } from '../support/download';
import { temporaryEnvironment } from '../support/environment';
import { file, respondInTurn, sha256, someBytes, status, TestServer } from '../support/http-server';
import { temporaryDirectory } from '../support/temporary';

describe('download', () => {
  temporaryEnvironment();
  const directory = temporaryDirectory();
  const server = new TestServer();
  const bytes = someBytes(300_000);
  const target = () => join(directory.path, 'weights.pth');
  const fetch = (options = {}) =>
    download(`${server.origin}/weights.pth`, target(), {
      sha256: sha256(bytes),
      retryPolicy: fastRetries,
      ...options,
    });

  describe('success', () => {
    it('writes the file and leaves no temporary files', async () => {
      server.handler = file(bytes);
      await fetch({ size: bytes.length });
      assert.deepEqual(await readFile(target()), bytes);
      assert.deepEqual(await namesIn(directory.path), ['weights.pth']);
    });

    it('creates the directory', async () => {
      server.handler = file(bytes);
      const deep = join(directory.path, 'a/b/weights.pth');
      await download(server.origin, deep, { sha256: sha256(bytes), retryPolicy: fastRetries });
      assert.deepEqual(await readFile(deep), bytes);
    });

    it('replaces an existing file', async () => {
      server.handler = file(bytes);
      await writeFile(target(), 'before');
      await fetch();
      assert.deepEqual(await readFile(target()), bytes);
    });

    it('accepts a prefix of the SHA-256', async () => {
      server.handler = file(bytes);
      await fetch({ sha256: sha256(bytes).slice(0, 8) });
      assert.deepEqual(await readFile(target()), bytes);
    });

    it('accepts an empty file', async () => {
      server.handler = file(Buffer.alloc(0));
      await fetch({ sha256: sha256(Buffer.alloc(0)) });
      assert.equal((await readFile(target())).length, 0);
    });

    it('accepts a response without a content length', async () => {
      server.handler = (_, response) => {
        response.writeHead(200, { 'transfer-encoding': 'chunked' });
        response.write(bytes.subarray(0, 1000), () => response.end(bytes.subarray(1000)));
      };
      await fetch();
      assert.deepEqual(await readFile(target()), bytes);
    });

    it('follows redirects', async () => {
      server.handler = respondInTurn(
        status(302, { location: '/elsewhere' }),
        status(307, { location: `${server.origin}/there` }),
        file(bytes),
      );
      await fetch();
      assert.deepEqual(
        server.requests.map(({ url }) => url),
        ['/weights.pth', '/elsewhere', '/there'],
      );
    });
  });

  describe('progress', () => {
    it('is reported at the start, at the end, and at most ten times per second in between', async () => {
      const chunks = 20;
      server.handler = (_, response) => {
        response.writeHead(200, { 'content-length': bytes.length });
        const length = bytes.length / chunks;
        let sent = 0;
        const timer = setInterval(() => {
          response.write(bytes.subarray(sent, (sent += length)));
          if (sent >= bytes.length) clearInterval(timer);
        }, 15);
      };
      const events: DownloadProgress[] = [];
      const start = performance.now();
      await fetch({ onProgress: (progress: DownloadProgress) => events.push(progress) });
      const limit = 3 + (performance.now() - start) / 100;

      assert.deepEqual(events[0], {
        url: `${server.origin}/weights.pth`,
        file: target(),
        received: 0,
        total: bytes.length,
      });
      assert.equal(events.at(-1)!.received, bytes.length);
      assert(events.length > 3 && events.length <= limit, `${events.length} of at most ${limit}`);
      assert.deepEqual(
        events.map(({ received }) => received),
        events.map(({ received }) => received).sort((a, b) => a - b),
      );
    });

    it('rejects the download with an error thrown by onProgress', async () => {
      server.handler = file(bytes);
      const thrown = new Error('from onProgress');
      const onProgress = () => {
        throw thrown;
      };
      await assert.rejects(fetch({ onProgress }), thrown);
      assert.equal(server.requests.length, 1);
    });
  });

  describe('retry', () => {
    it('retries after status 503', async () => {
      server.handler = respondInTurn(status(503), status(503), file(bytes));
      await fetch();
      assert.equal(server.requests.length, 3);
    });

    it('does not retry after status 404', async () => {
      server.handler = status(404);
      const error = await failure(fetch(), 'DOWNLOAD_HTTP');
      assert.match(error.message, /\/weights\.pth responded with status 404/);
      assert.equal(server.requests.length, 1);
    });

    it('stops after five attempts', async () => {
      server.handler = status(500);
      const error = await failure(fetch(), 'DOWNLOAD_HTTP');
      assert.match(error.message, /status 500/);
      assert.equal(server.requests.length, 5);
    });

    it('waits for the time that Retry-After specifies', async () => {
      server.handler = respondInTurn(status(429, { 'retry-after': '1' }), file(bytes));
      const start = performance.now();
      await fetch();
      assert(performance.now() - start >= 990);
    });

    it('stops after two attempts if the server does not respond', async () => {
      let connections = 0;
      const closingServer = createServer((socket) => {
        connections++;
        socket.destroy();
      });
      await new Promise<void>((resolve) => closingServer.listen(0, '127.0.0.1', resolve));
      const { port } = closingServer.address() as { port: number };
      const url = `http://127.0.0.1:${port}/weights.pth`;
      const options = { sha256: sha256(bytes), retryPolicy: fastRetries };
      await failure(download(url, target(), options), 'DOWNLOAD_NETWORK');
      assert.equal(connections, 2);
      closingServer.close();
    });

    it('retries after a timeout', async () => {
      const noResponse = () => undefined;
      server.handler = respondInTurn(noResponse, file(bytes));
      await fetch({ retryPolicy: { ...fastRetries, idleTimeout: 100 } });
      assert.equal(server.requests.length, 2);
    });
  });

  describe('failure', () => {
    beforeEach(() => writeFile(target(), 'before'));
    afterEach(async () => {
      assert.equal(await readFile(target(), 'utf8'), 'before');
    });

    it('reports the URL and the cause if it cannot connect', async () => {
      const options = { sha256: sha256(bytes), retryPolicy: fastRetries };
      const error = await failure(
        download('http://127.0.0.1:1/w', target(), options),
        'DOWNLOAD_NETWORK',
      );
      assert.match(
        error.message,
        /http:\/\/127\.0\.0\.1:1\/w could not be reached: .*ECONNREFUSED/,
      );
      assert.deepEqual(await namesIn(directory.path), ['weights.pth']);
    });

    it('reports both hashes and deletes the partial file if the hash differs', async () => {
      server.handler = file(bytes);
      const other = sha256(Buffer.from('other'));
      const error = await failure(fetch({ sha256: other }), 'DOWNLOAD_HASH');
      assert(error.message.includes(sha256(bytes)) && error.message.includes(other));
      assert.equal(server.requests.length, 1);
      assert.deepEqual(await namesIn(directory.path), ['weights.pth']);
    });

    it('keeps the partial file after repeatedly truncated responses', async () => {
      server.handler = file(bytes, { cut: 10_000 });
      const error = await failure(fetch(), 'DOWNLOAD_TRUNCATED');
      assert.match(error.message, /ended after 50000 of 300000 bytes/);
      assert.equal(server.requests.length, 5);
      assert.deepEqual(await readFile(`${target()}.part`), bytes.subarray(0, 50_000));
    });

    it('reports a truncated response without a content length', async () => {
      server.handler = (_, response) => {
        response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(bytes.subarray(0, 1000));
      };
      await failure(fetch({ size: bytes.length }), 'DOWNLOAD_TRUNCATED');
    });

    for (const size of [bytes.length - 1, bytes.length + 1]) {
      it(`rejects a content length of ${bytes.length} instead of ${size} without writing a byte`, async () => {
        server.handler = file(bytes);
        const error = await failure(fetch({ size }), 'DOWNLOAD_SIZE');
        assert.match(
          error.message,
          new RegExp(`/weights\\.pth has 300000 bytes instead of ${size}\\.`),
        );
        assert.deepEqual(await namesIn(directory.path), ['weights.pth']);
      });
    }

    it('stops a response that is longer than expected', async () => {
      let closed = false;
      server.handler = (_, response) => {
        // Since Node 24 the callback of a write may run before the event loop continues.
        const writeMore = () => {
          if (!closed) response.write(bytes, () => setImmediate(writeMore));
        };
        response.writeHead(200, { 'transfer-encoding': 'chunked' });
        response.on('close', () => (closed = true));
        writeMore();
      };
      const error = await failure(fetch({ size: 1_000_000 }), 'DOWNLOAD_SIZE');
      assert.match(error.message, /sent more than 1000000 bytes/);
      assert.deepEqual(await namesIn(directory.path), ['weights.pth']);
    });

    it('reports an endless redirect chain', async () => {
      server.handler = status(302, { location: '/again' });
      const error = await failure(fetch(), 'DOWNLOAD_HTTP');
      assert.match(error.message, /redirects more than 10 times/);
    });

    for (const location of ['file:///etc/hostname', 'http://[', 'data:,x']) {
      it(`reports a redirect to the unsupported location ${location}`, async () => {
        server.handler = status(302, { location });
        const error = await failure(fetch(), 'DOWNLOAD_HTTP');
        assert(
          error.message.includes(`redirects to ${location}, which is not an http or https URL.`),
        );
      });
    }

    it('reports a redirect without a Location header', async () => {
      server.handler = status(301);
      const error = await failure(fetch(), 'DOWNLOAD_HTTP');
      assert.match(error.message, /weights\.pth redirects without a Location header\./);
    });

    it('abbreviates a long location', async () => {
      server.handler = status(302, { location: `data:,${'x'.repeat(5000)}` });
      const error = await failure(fetch(), 'DOWNLOAD_HTTP');
      assert(error.message.length < 400, error.message);
    });

    it('does not follow a redirect from https to http', () => {
      const from = new URL('https://host.invalid/w');
      assert.throws(() => redirectTarget(302, 'http://host.invalid/v', from), {
        code: 'ERR_SEMISUP_DOWNLOAD_HTTP',
        message: /\/w redirects to http:\/\/host\.invalid\/v: redirects from https to http are not/,
      });
      assert.equal(redirectTarget(302, '/v', from)!.href, 'https://host.invalid/v');
      const insecure = new URL('http://host.invalid/w');
      assert.equal(redirectTarget(302, from.href, insecure)!.href, from.href);
    });

    it('reports a URL that is not HTTP or HTTPS', async () => {
      const options = { sha256: sha256(bytes), retryPolicy: fastRetries };
      await failure(download('file:///etc/hostname', target(), options), 'DOWNLOAD_HTTP');
    });
  });
});
