import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { download, type DownloadProgress } from '../../src/net/download';
import { failure, hurried, namesIn } from '../support/download';
import { temporaryEnvironment } from '../support/environment';
import { file, inTurn, sha256, someBytes, status, TestServer } from '../support/http-server';
import { temporaryFolder } from '../support/temporary';

describe('Download', () => {
  temporaryEnvironment();
  const folder = temporaryFolder();
  const server = new TestServer();
  const bytes = someBytes(300_000);
  const target = () => join(folder.path, 'weights.pth');
  const fetch = (options = {}) =>
    download(`${server.origin}/weights.pth`, target(), {
      sha256: sha256(bytes),
      retryPolicy: hurried,
      ...options,
    });

  describe('success', () => {
    it('leaves the file and nothing else', async () => {
      server.answer = file(bytes);
      await fetch({ size: bytes.length });
      assert.deepEqual(await readFile(target()), bytes);
      assert.deepEqual(await namesIn(folder.path), ['weights.pth']);
    });

    it('makes the folder', async () => {
      server.answer = file(bytes);
      const deep = join(folder.path, 'a/b/weights.pth');
      await download(server.origin, deep, { sha256: sha256(bytes), retryPolicy: hurried });
      assert.deepEqual(await readFile(deep), bytes);
    });

    it('replaces what was there', async () => {
      server.answer = file(bytes);
      await writeFile(target(), 'before');
      await fetch();
      assert.deepEqual(await readFile(target()), bytes);
    });

    it('takes the beginning of a SHA-256 for the whole', async () => {
      server.answer = file(bytes);
      await fetch({ sha256: sha256(bytes).slice(0, 8) });
      assert.deepEqual(await readFile(target()), bytes);
    });

    it('takes an empty file', async () => {
      server.answer = file(Buffer.alloc(0));
      await fetch({ sha256: sha256(Buffer.alloc(0)) });
      assert.equal((await readFile(target())).length, 0);
    });

    it('takes a body whose length the host does not tell', async () => {
      server.answer = (_, response) => {
        response.writeHead(200, { 'transfer-encoding': 'chunked' });
        response.write(bytes.subarray(0, 1000), () => response.end(bytes.subarray(1000)));
      };
      await fetch();
      assert.deepEqual(await readFile(target()), bytes);
    });

    it('follows redirects', async () => {
      server.answer = inTurn(
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
    it('is told at the start and at the end, and at most ten times a second between', async () => {
      const pieces = 20;
      server.answer = (_, response) => {
        response.writeHead(200, { 'content-length': bytes.length });
        const length = bytes.length / pieces;
        let sent = 0;
        const timer = setInterval(() => {
          response.write(bytes.subarray(sent, (sent += length)));
          if (sent >= bytes.length) clearInterval(timer);
        }, 15);
      };
      const told: DownloadProgress[] = [];
      const start = performance.now();
      await fetch({ onProgress: (progress: DownloadProgress) => told.push(progress) });
      const most = 3 + (performance.now() - start) / 100;

      assert.deepEqual(told[0], {
        url: `${server.origin}/weights.pth`,
        file: target(),
        received: 0,
        total: bytes.length,
      });
      assert.equal(told.at(-1)!.received, bytes.length);
      assert(told.length > 3 && told.length <= most, `${told.length} of at most ${most}`);
      assert.deepEqual(
        told.map(({ received }) => received),
        told.map(({ received }) => received).sort((a, b) => a - b),
      );
    });

    it('whose listener throws ends the download with what it throws', async () => {
      server.answer = file(bytes);
      const thrown = new Error('from the listener');
      const onProgress = () => {
        throw thrown;
      };
      await assert.rejects(fetch({ onProgress }), thrown);
      assert.equal(server.requests.length, 1);
    });
  });

  describe('another try', () => {
    it('follows a 503', async () => {
      server.answer = inTurn(status(503), status(503), file(bytes));
      await fetch();
      assert.equal(server.requests.length, 3);
    });

    it('is not made after a 404', async () => {
      server.answer = status(404);
      const error = await failure(fetch(), 'DOWNLOAD_HTTP');
      assert.match(error.message, /\/weights\.pth responded with status 404/);
      assert.equal(server.requests.length, 1);
    });

    it('is made five times and no more', async () => {
      server.answer = status(500);
      const error = await failure(fetch(), 'DOWNLOAD_HTTP');
      assert.match(error.message, /status 500/);
      assert.equal(server.requests.length, 5);
    });

    it('waits as long as Retry-After says', async () => {
      server.answer = inTurn(status(429, { 'retry-after': '1' }), file(bytes));
      const start = performance.now();
      await fetch();
      assert(performance.now() - start >= 990);
    });

    it('is made twice where no host answers', async () => {
      let connections = 0;
      const closed = createServer((socket) => {
        connections++;
        socket.destroy();
      });
      await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
      const { port } = closed.address() as { port: number };
      const url = `http://127.0.0.1:${port}/weights.pth`;
      const options = { sha256: sha256(bytes), retryPolicy: hurried };
      await failure(download(url, target(), options), 'DOWNLOAD_NETWORK');
      assert.equal(connections, 2);
      closed.close();
    });

    it('follows an answer that does not come', async () => {
      const never = () => undefined;
      server.answer = inTurn(never, file(bytes));
      await fetch({ retryPolicy: { ...hurried, idleTimeout: 100 } });
      assert.equal(server.requests.length, 2);
    });
  });

  describe('failure', () => {
    beforeEach(() => writeFile(target(), 'before'));
    afterEach(async () => {
      assert.equal(await readFile(target(), 'utf8'), 'before');
    });

    it('without a connection names the address and the reason', async () => {
      const options = { sha256: sha256(bytes), retryPolicy: hurried };
      const error = await failure(
        download('http://127.0.0.1:1/w', target(), options),
        'DOWNLOAD_NETWORK',
      );
      assert.match(
        error.message,
        /http:\/\/127\.0\.0\.1:1\/w could not be reached: .*ECONNREFUSED/,
      );
      assert.deepEqual(await namesIn(folder.path), ['weights.pth']);
    });

    it('of the hash names both hashes and deletes what came', async () => {
      server.answer = file(bytes);
      const other = sha256(Buffer.from('other'));
      const error = await failure(fetch({ sha256: other }), 'DOWNLOAD_HASH');
      assert(error.message.includes(sha256(bytes)) && error.message.includes(other));
      assert.equal(server.requests.length, 1);
      assert.deepEqual(await namesIn(folder.path), ['weights.pth']);
    });

    it('by bodies that keep ending early keeps what came for the next call', async () => {
      server.answer = file(bytes, { cut: 10_000 });
      const error = await failure(fetch(), 'DOWNLOAD_TRUNCATED');
      assert.match(error.message, /ended after 50000 of 300000 bytes/);
      assert.equal(server.requests.length, 5);
      assert.deepEqual(await readFile(`${target()}.part`), bytes.subarray(0, 50_000));
    });

    it('by a body without a told length that ends too early', async () => {
      server.answer = (_, response) => {
        response.writeHead(200, { 'transfer-encoding': 'chunked' }).end(bytes.subarray(0, 1000));
      };
      await failure(fetch({ size: bytes.length }), 'DOWNLOAD_TRUNCATED');
    });

    for (const size of [bytes.length - 1, bytes.length + 1]) {
      it(`of the size, told ${bytes.length} for ${size}, before a byte is written`, async () => {
        server.answer = file(bytes);
        const error = await failure(fetch({ size }), 'DOWNLOAD_SIZE');
        assert.match(
          error.message,
          new RegExp(`Expected ${size} bytes for .*, but received 300000 or more`),
        );
        assert.deepEqual(await namesIn(folder.path), ['weights.pth']);
      });
    }

    it('of a body longer than expected stops it', async () => {
      let closed = false;
      server.answer = (_, response) => {
        const more = () => {
          if (!closed) response.write(bytes, more);
        };
        response.writeHead(200, { 'transfer-encoding': 'chunked' });
        response.on('close', () => (closed = true));
        more();
      };
      await failure(fetch({ size: 1_000_000 }), 'DOWNLOAD_SIZE');
      assert.deepEqual(await namesIn(folder.path), ['weights.pth']);
    });

    it('of redirects without end', async () => {
      server.answer = status(302, { location: '/again' });
      const error = await failure(fetch(), 'DOWNLOAD_HTTP');
      assert.match(error.message, /redirects more than 10 times/);
    });

    for (const location of ['file:///etc/hostname', 'http://[', 'data:,x']) {
      it(`of a redirect to ${location}`, async () => {
        server.answer = status(302, { location });
        const error = await failure(fetch(), 'DOWNLOAD_HTTP');
        assert(error.message.includes(location));
      });
    }

    it('of an address that is none of the web', async () => {
      const options = { sha256: sha256(bytes), retryPolicy: hurried };
      await failure(download('file:///etc/hostname', target(), options), 'DOWNLOAD_HTTP');
    });
  });
});
