import assert from 'node:assert/strict';
import { fetchCheckpoint } from '../../src/hub/checkpoints';
import { failure, fastRetries, namesIn } from '../support/download';
import { file, sha256, someBytes, status, type RequestHandler } from '../support/http-server';
import { runHere, setting } from './support/setting';

describe('a server that misbehaves', function () {
  this.timeout(120_000);
  const { state, bytes, cases } = setting();

  /** Sends the file with headers that may be wrong. */
  const send =
    (headers: Record<string, string | number>, body = bytes): RequestHandler =>
    (_, response) => {
      response.writeHead(200, headers);
      response.write(body, () => response.destroy());
    };

  /** Sends pieces for ever. */
  const endless =
    (piece: Buffer, pause: number, headers = {}): RequestHandler =>
    (_, response) => {
      response.writeHead(200, headers);
      const timer = setInterval(() => response.write(piece), pause);
      response.on('close', () => {
        clearInterval(timer);
      });
    };

  const faults: [string, RequestHandler, readonly string[]][] = [
    ['states too large a length', send({ 'content-length': bytes.length + 1 }), ['TRUNCATED']],
    [
      'states too small a length',
      send({ 'content-length': 1000 }),
      ['HASH', 'TRUNCATED', 'NETWORK'],
    ],
    ['states no length and hangs up', send({}, bytes.subarray(0, 5000)), ['TRUNCATED']],
    ['states an impossible length', send({ 'content-length': 2 ** 52 }), ['DISK']],
    [
      'does not end after the stated length',
      endless(bytes, 1, { 'content-length': 10 }),
      ['HASH', 'TRUNCATED', 'NETWORK'],
    ],
    ['sends a few bytes now and then', endless(Buffer.from('x'), 100), ['TRUNCATED']],
    ['stalls before the response', () => undefined, ['NETWORK']],
    [
      'stalls within the response',
      (_, response) => void response.writeHead(200).write('x'),
      ['TRUNCATED'],
    ],
    ['hangs up', (_, response) => void response.destroy(), ['NETWORK']],
    ['sends another file', file(someBytes(bytes.length)), ['HASH']],
    ['sends an empty file', file(Buffer.alloc(0)), ['HASH']],
    [
      'sends a page for humans',
      (_, response) => void response.end('<html>Sign in</html>'),
      ['HASH'],
    ],
    ['redirects to itself', status(302, { location: '/again' }), ['HTTP']],
    ['redirects to a file', status(302, { location: 'file:///etc/passwd' }), ['HTTP']],
    ['redirects to nowhere', status(302), ['HTTP']],
    [
      'redirects to a port that is closed',
      status(302, { location: 'http://127.0.0.1:1/x' }),
      ['NETWORK'],
    ],
    [
      'sends a range that was not asked for',
      status(206, { 'content-range': 'bytes 5-9/10' }),
      ['HTTP'],
    ],
    ['says that it has never heard of it', status(404), ['HTTP']],
    ['always fails', status(503), ['HTTP']],
  ];
  for (const [fault, handler, kinds] of faults) {
    it(`${fault}: ${kinds.join(' or ')}, and nothing is left`, async () => {
      const one = cases.download();
      assert(one.operation.kind === 'download');
      const { origin, hubDir } = one.operation;
      state.handler = handler;
      const start = performance.now();
      const retryPolicy = { ...fastRetries, attempts: 3, idleTimeout: 500 };
      const fetch = fetchCheckpoint(origin, { hubDir, retryPolicy });
      const code = await fetch.then(
        () => 'none',
        (error: unknown) => (error as { code?: string }).code ?? 'no code',
      );
      assert(
        kinds.some((kind) => code === `ERR_SEMISUP_DOWNLOAD_${kind}`),
        code,
      );
      assert(performance.now() - start < 30_000);
      assert.deepEqual(await namesIn(one.directory), one.before);
    });
  }

  it('is believed neither about the hash: a wheel must be the pinned one', async () => {
    const one = await cases.install();
    assert(one.operation.kind === 'install');
    const { size } = one.operation.wheel;
    const other = someBytes(size);
    state.handler = file(other, { etag: `"${sha256(other)}"` });
    await failure(runHere(one), 'DOWNLOAD_HASH');
    assert.deepEqual(await namesIn(one.directory), one.before);
    state.handler = endless(other, 1);
    await failure(runHere(one), 'DOWNLOAD_SIZE');
    assert.deepEqual(await namesIn(one.directory), one.before);
  });
});
