import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { download } from '../../src/net/download';
import { failure, hurried, namesIn } from '../support/download';
import { temporaryEnvironment } from '../support/environment';
import {
  file,
  inTurn,
  sha256,
  someBytes,
  status,
  TestServer,
  type Answer,
} from '../support/http-server';
import { temporaryFolder } from '../support/temporary';

describe('Resume', () => {
  temporaryEnvironment();
  const folder = temporaryFolder();
  const server = new TestServer();
  const bytes = someBytes(300_000);
  const cut = 100_000;
  const target = () => join(folder.path, 'weights.pth');
  const part = () => `${target()}.part`;
  const url = () => `${server.origin}/weights.pth`;
  const fetch = (options = {}) =>
    download(url(), target(), { sha256: sha256(bytes), retryPolicy: hurried, ...options });

  /** Leaves the first 100,000 bytes, as a process does whose connection was cut. */
  async function leavePart(etag = '"1"') {
    server.answer = file(bytes, { etag, cut });
    await failure(fetch({ retryPolicy: { ...hurried, attempts: 1 } }), 'DOWNLOAD_TRUNCATED');
    assert.deepEqual(await readFile(part()), bytes.subarray(0, cut));
    server.requests.length = 0;
  }

  async function assertDone() {
    assert.deepEqual(await readFile(target()), bytes);
    assert.deepEqual(await namesIn(folder.path), ['weights.pth']);
  }

  it('asks after each cut for the rest alone', async () => {
    server.answer = file(bytes, { cut });
    await fetch();
    assert.deepEqual(server.sent('range'), [undefined, 'bytes=100000-', 'bytes=200000-']);
    assert.deepEqual(server.sent('if-range'), [undefined, '"1"', '"1"']);
    await assertDone();
  });

  it('goes on where an earlier call ended', async () => {
    await leavePart();
    const told: number[] = [];
    server.answer = file(bytes);
    await fetch({ onProgress: ({ received }: { received: number }) => told.push(received) });
    assert.deepEqual(server.sent('range'), ['bytes=100000-']);
    assert.equal(told[0], cut);
    await assertDone();
  });

  it('is by the date of the file where the ETag is weak', async () => {
    const date = 'Mon, 23 Nov 2026 08:00:00 GMT';
    const headers = { 'content-length': bytes.length, etag: 'W/"1"', 'last-modified': date };
    server.answer = inTurn((_, response) => {
      response.writeHead(200, headers);
      response.write(bytes.subarray(0, cut), () => response.destroy());
    }, file(bytes));
    await fetch();
    assert.deepEqual(server.sent('if-range'), [undefined, date]);
    await assertDone();
  });

  it('counts no failure after a mebibyte of progress', async () => {
    const long = someBytes(8 * 2 ** 20);
    server.answer = file(long, { cut: 1.5 * 2 ** 20 });
    await fetch({ sha256: sha256(long), retryPolicy: { ...hurried, attempts: 2 } });
    assert.equal(server.requests.length, 6);
  });

  it('needs no request for a part that is whole', async () => {
    await leavePart();
    await writeFile(part(), bytes);
    await fetch();
    assert.equal(server.requests.length, 0);
    await assertDone();
  });

  describe('begins anew', () => {
    const answers: Record<string, Answer> = {
      'where the host answers with the whole': (_, response) => {
        response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
      },
      'where the ETag has changed': (...request) => {
        file(bytes, { etag: '"2"' })(...request);
      },
      'where the host minds no If-Range, after the hash has shown it': inTurn((_, response) => {
        const range = `bytes ${cut}-${bytes.length - 1}/${bytes.length}`;
        response.writeHead(206, { etag: '"2"', 'content-range': range });
        response.end(Buffer.alloc(bytes.length - cut));
      }, file(bytes)),
      'where the host gives another range': inTurn((_, response) => {
        const range = `bytes 0-${bytes.length - 1}/${bytes.length}`;
        response.writeHead(206, { etag: '"1"', 'content-range': range }).end(bytes);
      }, file(bytes)),
      'where the host gives a range of a longer file': inTurn((_, response) => {
        const range = `bytes ${cut}-${bytes.length}/${bytes.length + 1}`;
        response
          .writeHead(206, { etag: '"1"', 'content-range': range })
          .end(bytes.subarray(cut - 1));
      }, file(bytes)),
      'where the host has no such range': inTurn(status(416), file(bytes)),
    };
    for (const [title, answer] of Object.entries(answers)) {
      it(title, async () => {
        await leavePart();
        server.answer = answer;
        await fetch();
        assert.equal(server.sent('range')[0], 'bytes=100000-');
        assert(server.requests.length <= 2);
        await assertDone();
      });
    }

    it('where the part is damaged, after the hash has shown it', async () => {
      await leavePart();
      await writeFile(part(), Buffer.alloc(cut));
      server.answer = file(bytes);
      await fetch();
      assert.deepEqual(server.sent('range'), ['bytes=100000-', undefined]);
      await assertDone();
    });

    it('where the part is of another address', async () => {
      await leavePart();
      server.answer = file(bytes);
      await download(`${server.origin}/mirror/weights.pth`, target(), { sha256: sha256(bytes) });
      assert.deepEqual(server.sent('range'), [undefined]);
      await assertDone();
    });

    for (const notes of ['', 'null', '[', '{"url":1}']) {
      it(`where the notes on the part are '${notes}'`, async () => {
        await leavePart();
        await writeFile(`${part()}.json`, notes);
        server.answer = file(bytes);
        await fetch();
        assert.deepEqual(server.sent('range'), [undefined]);
        await assertDone();
      });
    }
  });

  it('is not hindered by a try at another address that does not answer', async () => {
    await leavePart();
    const elsewhere = 'http://127.0.0.1:1/weights.pth';
    const options = { sha256: sha256(bytes), retryPolicy: hurried };
    await failure(download(elsewhere, target(), options), 'DOWNLOAD_NETWORK');
    server.answer = file(bytes);
    await fetch();
    assert.deepEqual(server.sent('range'), ['bytes=100000-']);
    await assertDone();
  });

  it('gives up, with nothing left, where the whole has the wrong hash too', async () => {
    await leavePart();
    server.answer = file(bytes);
    await failure(fetch({ sha256: sha256(Buffer.from('other')) }), 'DOWNLOAD_HASH');
    assert.deepEqual(server.sent('range'), ['bytes=100000-', undefined]);
    assert.deepEqual(await namesIn(folder.path), []);
  });
});

describe('Abort', () => {
  temporaryEnvironment();
  const folder = temporaryFolder();
  const server = new TestServer();
  const bytes = someBytes(300_000);
  const target = () => join(folder.path, 'weights.pth');
  const fetch = (signal?: AbortSignal, options = {}) =>
    download(server.origin, target(), {
      sha256: sha256(bytes),
      retryPolicy: hurried,
      signal,
      ...options,
    });

  it('in the middle keeps what came and what was there before, and a later call goes on', async () => {
    await writeFile(target(), 'before');
    const half: Answer = (_, response) => {
      response.writeHead(200, { etag: '"1"', 'content-length': bytes.length });
      response.write(bytes.subarray(0, 150_000));
    };
    server.answer = inTurn(half, file(bytes));
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

  it('before the start asks nothing and leaves nothing', async () => {
    await assert.rejects(fetch(AbortSignal.abort('no')), (reason) => reason === 'no');
    assert.equal(server.requests.length, 0);
    assert.deepEqual(await namesIn(folder.path), []);
  });

  it('ends the waiting for an answer', async () => {
    server.answer = () => undefined;
    const signal = AbortSignal.timeout(50);
    await assert.rejects(fetch(signal), (reason) => reason === signal.reason);
  });

  it('ends the waiting for another try', async () => {
    server.answer = status(503);
    const signal = AbortSignal.timeout(50);
    const start = performance.now();
    const retryPolicy = { ...hurried, delay: 60_000 };
    await assert.rejects(fetch(signal, { retryPolicy }), (reason) => reason === signal.reason);
    assert(performance.now() - start < 5_000);
  });
});
