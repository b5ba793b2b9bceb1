import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { download } from '../../src/net/download';
import { failure, hurried } from '../support/download';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { file, sha256, someBytes, TestServer } from '../support/http-server';
import { temporaryFolder } from '../support/temporary';

describe('Proxy', () => {
  temporaryEnvironment();
  const folder = temporaryFolder();
  const server = new TestServer();
  const bytes = someBytes(10_000);
  const target = () => join(folder.path, 'weights.pth');
  const options = { sha256: sha256(bytes), retryPolicy: hurried };

  let proxy: Server;
  let asked: string[];
  const proxyUrl = () => `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;

  beforeEach((done) => {
    asked = [];
    server.answer = file(bytes);
    proxy = createServer(({ method, url, headers }, response) => {
      asked.push(`${method} ${url}`);
      request(url!, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      }).end();
    });
    proxy.on('connect', ({ method, url }, socket) => {
      asked.push(`${method} ${url}`);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    proxy.listen(0, '127.0.0.1', done);
  });
  afterEach(() => {
    proxy.closeAllConnections();
    proxy.close();
  });

  it('of HTTP_PROXY is asked for http', async () => {
    setEnvironment({ HTTP_PROXY: proxyUrl() });
    const url = `${server.origin}/weights.pth`;
    await download(url, target(), options);
    assert.deepEqual(asked, [`GET ${url}`]);
    assert.deepEqual(await readFile(target()), bytes);
  });

  it('is passed by for the hosts of NO_PROXY', async () => {
    setEnvironment({ HTTP_PROXY: proxyUrl(), NO_PROXY: '127.0.0.1' });
    await download(server.origin, target(), options);
    assert.deepEqual(asked, []);
    assert.deepEqual(await readFile(target()), bytes);
  });

  it('of HTTPS_PROXY is asked for a tunnel for https, and its refusal is told', async () => {
    setEnvironment({ HTTPS_PROXY: proxyUrl() });
    const error = await failure(
      download('https://host.invalid/w', target(), options),
      'DOWNLOAD_NETWORK',
    );
    assert.match(error.message, /https:\/\/host\.invalid\/w could not be reached: .*403/);
    assert.deepEqual(asked, ['CONNECT host.invalid:443', 'CONNECT host.invalid:443']);
  });

  it('that is no address is an error that says how to write it', async () => {
    setEnvironment({ HTTP_PROXY: 'http://[' });
    const error = await failure(download(server.origin, target(), options), 'DOWNLOAD_NETWORK');
    assert.match(error.message, /http:\/\/host:port/);
  });
});
