import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { download } from '../../src/net/download';
import { failure, fastRetries } from '../support/download';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { file, sha256, someBytes, TestServer } from '../support/http-server';
import { temporaryDirectory } from '../support/temporary';

describe('proxy', () => {
  temporaryEnvironment();
  const directory = temporaryDirectory();
  const server = new TestServer();
  const bytes = someBytes(10_000);
  const target = () => join(directory.path, 'weights.pth');
  const options = { sha256: sha256(bytes), retryPolicy: fastRetries };

  let proxy: Server;
  let proxied: string[];
  const proxyUrl = () => `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

  beforeEach((done) => {
    proxied = [];
    server.handler = file(bytes);
    proxy = createServer(({ method, url, headers }, response) => {
      proxied.push(`${method} ${url}`);
      request(url!, { method, headers }, (upstream) => {
        response.writeHead(upstream.statusCode!, upstream.headers);
        upstream.pipe(response);
      }).end();
    });
    proxy.on('connect', ({ method, url }, socket) => {
      proxied.push(`${method} ${url}`);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    proxy.listen(0, '127.0.0.1', done);
  });
  afterEach(() => {
    proxy.closeAllConnections();
    proxy.close();
  });

  it('of HTTP_PROXY receives HTTP requests', async () => {
    setEnvironment({ HTTP_PROXY: proxyUrl() });
    const url = `${server.origin}/weights.pth`;
    await download(url, target(), options);
    assert.deepEqual(proxied, [`GET ${url}`]);
    assert.deepEqual(await readFile(target()), bytes);
  });

  it('is bypassed for the hosts in NO_PROXY', async () => {
    setEnvironment({ HTTP_PROXY: proxyUrl(), NO_PROXY: '127.0.0.1' });
    await download(server.origin, target(), options);
    assert.deepEqual(proxied, []);
    assert.deepEqual(await readFile(target()), bytes);
  });

  it('of HTTPS_PROXY receives a CONNECT request, whose rejection is reported', async () => {
    setEnvironment({ HTTPS_PROXY: proxyUrl() });
    const error = await failure(
      download('https://host.invalid/w', target(), options),
      'DOWNLOAD_NETWORK',
    );
    assert.match(error.message, /https:\/\/host\.invalid\/w could not be reached: .*403/);
    assert.deepEqual(proxied, ['CONNECT host.invalid:443', 'CONNECT host.invalid:443']);
  });

  it('with an invalid URL is rejected, and the error states the expected form', async () => {
    setEnvironment({ HTTP_PROXY: 'http://[' });
    const error = await failure(download(server.origin, target(), options), 'DOWNLOAD_NETWORK');
    assert.match(error.message, /http:\/\/host:port/);
  });
});
