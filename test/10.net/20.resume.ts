import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { download } from '../../src/net/download';
import { failure, fastRetries, namesIn } from '../support/download';
import { temporaryEnvironment } from '../support/environment';
import {
  file,
  respondInTurn,
  sha256,
  someBytes,
  status,
  TestServer,
  type RequestHandler,
} from '../support/http-server';
import { temporaryDirectory } from '../support/temporary';

describe('resumed download', () => {
  temporaryEnvironment();
  const directory = temporaryDirectory();
  const server = new TestServer();
  const bytes = someBytes(300_000);
  const cut = 100_000;
  const target = () => join(directory.path, 'weights.pth');
  const part = () => `${target()}.part`;
  const url = () => `${server.origin}/weights.pth`;
  const fetch = (options = {}) =>
    download(url(), target(), { sha256: sha256(bytes), retryPolicy: fastRetries, ...options });

  /** Leaves a partial file of 100,000 bytes, like a process that lost its connection. */
  async function leavePart(etag = '"1"') {
    server.handler = file(bytes, { etag, cut });
    await failure(fetch({ retryPolicy: { ...fastRetries, attempts: 1 } }), 'DOWNLOAD_TRUNCATED');
    assert.deepEqual(await readFile(part()), bytes.subarray(0, cut));
    server.requests.length = 0;
  }

  async function assertDone() {
    assert.deepEqual(await readFile(target()), bytes);
    assert.deepEqual(await namesIn(directory.path), ['weights.pth']);
  }

  it('requests only the remaining bytes after each interruption', async () => {
    server.handler = file(bytes, { cut });
    await fetch();
    assert.deepEqual(server.sent('range'), [undefined, 'bytes=100000-', 'bytes=200000-']);
    assert.deepEqual(server.sent('if-range'), [undefined, '"1"', '"1"']);
    await assertDone();
  });

  it('continues where an earlier call ended', async () => {
    await leavePart();
    const progress: number[] = [];
    server.handler = file(bytes);
    await fetch({ onProgress: ({ received }: { received: number }) => progress.push(received) });
    assert.deepEqual(server.sent('range'), ['bytes=100000-']);
    assert.equal(progress[0], cut);
    await assertDone();
  });

  it('validates by the modification date if the ETag is weak', async () => {
    const date = 'Mon, 23 Nov 2026 08:00:00 GMT';
    const headers = { 'content-length': bytes.length, etag: 'W/"1"', 'last-modified': date };
    server.handler = respondInTurn((_, response) => {
      response.writeHead(200, headers);
      response.write(bytes.subarray(0, cut), () => response.destroy());
    }, file(bytes));
    await fetch();
    assert.deepEqual(server.sent('if-range'), [undefined, date]);
    await assertDone();
  });

  it('resets the attempt count after one mebibyte of progress', async () => {
    const longFile = someBytes(8 * 2 ** 20);
    server.handler = file(longFile, { cut: 1.5 * 2 ** 20 });
    await fetch({ sha256: sha256(longFile), retryPolicy: { ...fastRetries, attempts: 2 } });
    assert.equal(server.requests.length, 6);
  });

  it('sends no request if the partial file is complete', async () => {
    await leavePart();
    await writeFile(part(), bytes);
    await fetch();
    assert.equal(server.requests.length, 0);
    await assertDone();
  });

  describe('starts over', () => {
    const responses: Record<string, RequestHandler> = {
      'if the server responds with the whole file': (_, response) => {
        response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
      },
      'if the ETag changed': (...request) => {
        file(bytes, { etag: '"2"' })(...request);
      },
      'if the server ignores If-Range and the hash differs': respondInTurn((_, response) => {
        const range = `bytes ${cut}-${bytes.length - 1}/${bytes.length}`;
        response.writeHead(206, { etag: '"2"', 'content-range': range });
        response.end(Buffer.alloc(bytes.length - cut));
      }, file(bytes)),
      'if the server responds with a different range': respondInTurn((_, response) => {
        const range = `bytes 0-${bytes.length - 1}/${bytes.length}`;
        response.writeHead(206, { etag: '"1"', 'content-range': range }).end(bytes);
      }, file(bytes)),
      'if the server responds with a range of a longer file': respondInTurn((_, response) => {
        const range = `bytes ${cut}-${bytes.length}/${bytes.length + 1}`;
        response
          .writeHead(206, { etag: '"1"', 'content-range': range })
          .end(bytes.subarray(cut - 1));
      }, file(bytes)),
      'if the server cannot satisfy the range': respondInTurn(status(416), file(bytes)),
    };
    for (const [title, response] of Object.entries(responses)) {
      it(title, async () => {
        await leavePart();
        server.handler = response;
        await fetch();
        assert.equal(server.sent('range')[0], 'bytes=100000-');
        assert(server.requests.length <= 2);
        await assertDone();
      });
    }

    it('if the partial file is corrupt and the hash differs', async () => {
      await leavePart();
      await writeFile(part(), Buffer.alloc(cut));
      server.handler = file(bytes);
      await fetch();
      assert.deepEqual(server.sent('range'), ['bytes=100000-', undefined]);
      await assertDone();
    });

    it('if the partial file came from another URL', async () => {
      await leavePart();
      server.handler = file(bytes);
      await download(`${server.origin}/mirror/weights.pth`, target(), { sha256: sha256(bytes) });
      assert.deepEqual(server.sent('range'), [undefined]);
      await assertDone();
    });

    for (const metadata of ['', 'null', '[', '{"url":1}']) {
      it(`if the metadata of the partial file is '${metadata}'`, async () => {
        await leavePart();
        await writeFile(`${part()}.json`, metadata);
        server.handler = file(bytes);
        await fetch();
        assert.deepEqual(server.sent('range'), [undefined]);
        await assertDone();
      });
    }
  });

  it('keeps the partial file after a failed attempt from another URL', async () => {
    await leavePart();
    const unreachable = 'http://127.0.0.1:1/weights.pth';
    const options = { sha256: sha256(bytes), retryPolicy: fastRetries };
    await failure(download(unreachable, target(), options), 'DOWNLOAD_NETWORK');
    server.handler = file(bytes);
    await fetch();
    assert.deepEqual(server.sent('range'), ['bytes=100000-']);
    await assertDone();
  });

  it('fails and removes the partial file if the whole file has the wrong hash too', async () => {
    await leavePart();
    server.handler = file(bytes);
    await failure(fetch({ sha256: sha256(Buffer.from('other')) }), 'DOWNLOAD_HASH');
    assert.deepEqual(server.sent('range'), ['bytes=100000-', undefined]);
    assert.deepEqual(await namesIn(directory.path), []);
  });
});

describe('aborted download', () => {
  temporaryEnvironment();
  const directory = temporaryDirectory();
  const server = new TestServer();
  const bytes = someBytes(300_000);
  const target = () => join(directory.path, 'weights.pth');
  const fetch = (signal?: AbortSignal, options = {}) =>
    download(server.origin, target(), {
      sha256: sha256(bytes),
      retryPolicy: fastRetries,
      signal,
      ...options,
    });

  it('keeps the existing file and the partial file, which a later call continues', async () => {
    await writeFile(target(), 'before');
    const half: RequestHandler = (_, response) => {
      response.writeHead(200, { etag: '"1"', 'content-length': bytes.length });
      response.write(bytes.subarray(0, 150_000));
    };
    server.handler = respondInTurn(half, file(bytes));
    const abort = new AbortController();
    const reason = new Error('the user went away');
    const fetching = fetch(abort.signal);
    while ((await readFile(`${target()}.part`).catch(() => '')).length < 150_000);
    abort.abort(reason);
    await assert.rejects(fetching, reason);
    assert.equal(await readFile(target(), 'utf8'), 'before');

    await fetch();
    assert.deepEqual(server.sent('range'), [undefined, 'bytes=150000-']);
    assert.deepEqual(await readFile(target()), bytes);
  });

  it('sends no request and leaves no file if the signal is already aborted', async () => {
    await assert.rejects(fetch(AbortSignal.abort('no')), (reason) => reason === 'no');
    assert.equal(server.requests.length, 0);
    assert.deepEqual(await namesIn(directory.path), []);
  });

  it('stops waiting for a response', async () => {
    server.handler = () => undefined;
    const signal = AbortSignal.timeout(50);
    await assert.rejects(fetch(signal), (reason) => reason === signal.reason);
  });

  it('stops waiting for a retry', async () => {
    server.handler = status(503);
    const signal = AbortSignal.timeout(50);
    const start = performance.now();
    const retryPolicy = { ...fastRetries, delay: 60_000 };
    await assert.rejects(fetch(signal, { retryPolicy }), (reason) => reason === signal.reason);
    assert(performance.now() - start < 5_000);
  });
});
