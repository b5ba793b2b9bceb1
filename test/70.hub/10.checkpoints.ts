import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { OptionError } from '../../src/errors';
import { checkpointsDirectory, hubDirectory } from '../../src/hub/cache';
import { fetchCheckpoint } from '../../src/hub/checkpoints';
import type { FileSource } from '../../src/models/source';
import { Child } from '../support/child';
import { failure, hurried, namesIn } from '../support/download';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { file, sha256, someBytes, status, TestServer, type Answer } from '../support/http-server';
import { temporaryFolder } from '../support/temporary';

describe('Cache folder', () => {
  temporaryEnvironment(() => ({ TORCH_HOME: undefined, XDG_CACHE_HOME: undefined }));

  it('is that of torch.hub', () => {
    assert.equal(hubDirectory(), join(homedir(), '.cache/torch/hub'));
    setEnvironment({ XDG_CACHE_HOME: '/cache' });
    assert.equal(hubDirectory(), '/cache/torch/hub');
    setEnvironment({ TORCH_HOME: '/torch' });
    assert.equal(hubDirectory(), '/torch/hub');
    assert.equal(hubDirectory('/hub'), '/hub');
    assert.equal(checkpointsDirectory('/hub'), '/hub/checkpoints');
  });

  it('may begin with ~', () => {
    assert.equal(hubDirectory('~/hub'), join(homedir(), 'hub'));
    setEnvironment({ TORCH_HOME: '~' });
    assert.equal(hubDirectory(), join(homedir(), 'hub'));
    assert.equal(hubDirectory('/~/hub'), '/~/hub');
    assert.equal(hubDirectory('/hub/~'), '/hub/~');
  });

  it('is not moved by a variable set to nothing', () => {
    setEnvironment({ TORCH_HOME: '', XDG_CACHE_HOME: '' });
    assert.equal(hubDirectory(), join(homedir(), '.cache/torch/hub'));
  });
});

describe('Checkpoint file', () => {
  const folder = temporaryFolder();
  const server = new TestServer();
  temporaryEnvironment(() => ({
    HF_ENDPOINT: `${server.origin}/hf/`,
    SEMISUP_OFFLINE: undefined,
    SEMISUP_WEIGHTS_MIRROR: undefined,
  }));

  const bytes = someBytes(200_000);
  const prefix = sha256(bytes).slice(0, 8);
  const name = `semi_supervised_resnet18-${prefix}.pth`;
  const copyBytes = someBytes(100_000);
  const copyName = `resnet18.fb-${sha256(copyBytes).slice(0, 8)}.safetensors`;
  const source = (): FileSource => ({
    kind: 'file',
    file: name,
    sha256Prefix: prefix,
    url: `${server.origin}/official/${name}`,
    safetensors: { repo: 'timm/resnet18.fb' },
  });
  const checkpoints = () => join(folder.path, 'checkpoints');
  const target = () => join(checkpoints(), name);
  const fetch = (options = {}) =>
    fetchCheckpoint(source(), { hubDir: folder.path, retryPolicy: hurried, ...options });
  const asked = () => server.requests.map(({ method, url }) => `${method} ${url}`);

  /** The Hugging Face hub, which sends on to where the file lies; everything else has no file. */
  const hugging: Answer = (request, response, n) => {
    const linked = { 'x-linked-etag': `"${sha256(copyBytes)}"`, 'x-linked-size': '100000' };
    if (request.url === '/hf/timm/resnet18.fb/resolve/main/model.safetensors') {
      status(302, { ...linked, location: '/lfs' })(request, response, n);
    } else if (request.url === '/lfs') {
      file(copyBytes, { etag: `"${'0'.repeat(64)}"` })(request, response, n);
    } else {
      status(404)(request, response, n);
    }
  };

  async function leaveFile(content: Uint8Array | string, name = target()) {
    await mkdir(dirname(name), { recursive: true });
    await writeFile(name, content);
  }

  it('comes from the official host into the folder of torch.hub', async () => {
    server.answer = file(bytes);
    assert.equal(await fetch(), target());
    assert.deepEqual(await readFile(target()), bytes);
    assert.deepEqual(asked(), [`GET /official/${name}`]);
    assert.deepEqual(await namesIn(checkpoints()), [name]);
  });

  for (const mirror of ['/mirror', '/mirror/']) {
    it(`comes from a mirror at ${mirror} in place of the official host`, async () => {
      setEnvironment({ SEMISUP_WEIGHTS_MIRROR: server.origin + mirror });
      server.answer = file(bytes);
      await fetch();
      assert.deepEqual(asked(), [`GET /mirror/${name}`]);
    });
  }

  it('does not come from a mirror that is no address', async () => {
    setEnvironment({ SEMISUP_WEIGHTS_MIRROR: '/srv/mirror' });
    await assert.rejects(fetch(), (error) => {
      assert(error instanceof OptionError);
      assert.match(error.message, /SEMISUP_WEIGHTS_MIRROR, but received '\/srv\/mirror'/);
      return true;
    });
  });

  describe('in the cache', () => {
    it('is used without a request', async () => {
      await leaveFile(bytes);
      assert.equal(await fetch(), target());
      assert.equal(server.requests.length, 0);
    });

    it('is not used, and left, where its hash is not that of its name', async () => {
      await leaveFile('damaged');
      server.answer = file(bytes);
      const error = await failure(fetch(), 'DOWNLOAD_HASH');
      assert(error.message.includes(target()) && error.message.includes('forceReload'));
      assert.equal(server.requests.length, 0);
      assert.equal(await readFile(target(), 'utf8'), 'damaged');
    });

    it('is an error where it cannot be read', async () => {
      await mkdir(target(), { recursive: true });
      const error = await failure(fetch(), 'DOWNLOAD_DISK');
      assert.match(error.message, /\.pth could not be read: EISDIR/);
    });

    it('is replaced by forceReload', async () => {
      await leaveFile('damaged');
      server.answer = file(bytes);
      await fetch({ forceReload: true });
      assert.deepEqual(await readFile(target()), bytes);
    });

    it('stays where forceReload fails', async () => {
      await leaveFile(bytes);
      server.answer = status(404);
      await failure(fetch({ forceReload: true }), 'DOWNLOAD_HTTP');
      assert.deepEqual(await readFile(target()), bytes);
    });
  });

  describe('copy by timm', () => {
    it('serves where the official host does not, checked by the hash that its host keeps', async () => {
      server.answer = hugging;
      const copy = join(checkpoints(), copyName);
      assert.equal(await fetch(), copy);
      assert.deepEqual(await readFile(copy), copyBytes);
      assert.deepEqual(asked(), [
        `GET /official/${name}`,
        'HEAD /hf/timm/resnet18.fb/resolve/main/model.safetensors',
        'HEAD /lfs',
        'GET /hf/timm/resnet18.fb/resolve/main/model.safetensors',
        'GET /lfs',
      ]);
    });

    it('in the cache is used without a request', async () => {
      await leaveFile(copyBytes, join(checkpoints(), copyName));
      await leaveFile(copyBytes, join(checkpoints(), `resnet18.fb2-${copyName.slice(-20)}`));
      assert.equal(await fetch(), join(checkpoints(), copyName));
      assert.equal(server.requests.length, 0);
    });

    it('in the cache is not used where its hash is not that of its name', async () => {
      await leaveFile('damaged', join(checkpoints(), copyName));
      const error = await failure(fetch(), 'DOWNLOAD_HASH');
      assert(error.message.includes(copyName));
    });

    it('from a mirror is checked by the ETag', async () => {
      server.answer = (request, ...rest) => {
        const etag = `"${sha256(copyBytes)}"`;
        if (request.url!.startsWith('/hf/')) file(copyBytes, { etag })(request, ...rest);
        else status(404)(request, ...rest);
      };
      assert.equal(await fetch(), join(checkpoints(), copyName));
    });

    it('is refused where it is not what its host says', async () => {
      server.answer = (request, response, n) => {
        if (request.url === '/lfs') file(someBytes(100_000))(request, response, n);
        else hugging(request, response, n);
      };
      const error = await failure(fetch(), 'DOWNLOAD_HTTP');
      assert(error.message.includes(sha256(copyBytes)));
      assert.deepEqual(await namesIn(checkpoints()), []);
    });

    it('is refused where its host says no hash', async () => {
      server.answer = (request, ...rest) => {
        if (request.url!.startsWith('/hf/')) file(copyBytes)(request, ...rest);
        else status(404)(request, ...rest);
      };
      const error = await failure(fetch(), 'DOWNLOAD_HTTP');
      assert.match(
        error.message,
        /model\.safetensors could not be verified: the response has no SHA-256/,
      );
    });
  });

  describe('that no place gives', () => {
    it('is an error that lists the places with their reasons, and names the baseline', async () => {
      setEnvironment({ HF_ENDPOINT: 'http://127.0.0.1:1' });
      server.answer = status(404);
      const { message } = await failure(fetch(), 'DOWNLOAD_HTTP');
      assert(message.includes(`${source().url} responded with status 404`));
      assert.match(
        message,
        /http:\/\/127\.0\.0\.1:1\/timm\/.* could not be reached: .*ECONNREFUSED/,
      );
      assert.match(message, /'resnet50_baseline'/);
      assert.deepEqual(await namesIn(checkpoints()), []);
    });

    it('has the code of the official host', async () => {
      server.answer = (request, ...rest) => {
        if (request.url!.startsWith('/hf/')) status(404)(request, ...rest);
        else file(someBytes(1000))(request, ...rest);
      };
      await failure(fetch(), 'DOWNLOAD_HASH');
      assert.deepEqual(await namesIn(checkpoints()), []);
    });

    it('is not sought elsewhere where it cannot be written', async () => {
      await mkdir(`${target()}.part`, { recursive: true });
      await failure(fetch(), 'DOWNLOAD_DISK');
      assert.equal(server.requests.length, 0);
    });

    it('is not sought elsewhere after an abort', async () => {
      const abort = new AbortController();
      server.answer = () => {
        abort.abort('enough');
      };
      await assert.rejects(fetch({ signal: abort.signal }), (reason) => reason === 'enough');
      assert.equal(server.requests.length, 1);
    });
  });

  describe('offline', () => {
    for (const [how, variable, option] of [
      ['by the option', undefined, true],
      ['by SEMISUP_OFFLINE', '1', undefined],
    ] as const) {
      it(`${how} comes from the cache alone`, async () => {
        setEnvironment({ SEMISUP_OFFLINE: variable });
        const error = await failure(fetch({ offline: option }), 'DOWNLOAD_OFFLINE');
        assert(error.message.includes(target()));
        await leaveFile(bytes);
        assert.equal(await fetch({ offline: option }), target());
        assert.equal(server.requests.length, 0);
      });
    }

    it('is not fetched anew either', async () => {
      await leaveFile(bytes);
      await failure(fetch({ offline: true, forceReload: true }), 'DOWNLOAD_OFFLINE');
      assert.deepEqual(await readFile(target()), bytes);
    });

    for (const [variable, option] of [
      ['0', undefined],
      ['', undefined],
      ['1', false],
    ] as const) {
      it(`is off with SEMISUP_OFFLINE='${variable}' and the option ${option}`, async () => {
        setEnvironment({ SEMISUP_OFFLINE: variable });
        server.answer = file(bytes);
        assert.equal(await fetch({ offline: option }), target());
      });
    }
  });

  describe('two processes', () => {
    const child = () => new Child('fetch-checkpoint.ts', [JSON.stringify(source()), folder.path]);

    it('fetch it once', async () => {
      const children = [child(), child()];
      // The answer comes when one of them fetches and the other waits for it.
      server.answer = (request, response, n) => {
        void Promise.any(children.map((one) => one.says('waits'))).then(() => {
          file(bytes)(request, response, n);
        });
      };
      const outputs = await Promise.all(children.map((one) => one.ends()));
      assert.deepEqual(outputs.sort(), [`${target()}\n`, `waits\n${target()}\n`]);
      assert.deepEqual(asked(), [`GET /official/${name}`]);
      assert.deepEqual(await namesIn(checkpoints()), [name]);
    });

    it('of which one is killed go on where it was', async () => {
      const killed = child();
      server.answer = (_, response) => {
        response.writeHead(200, { etag: '"1"', 'content-length': bytes.length });
        response.write(bytes.subarray(0, 50_000));
      };
      while ((await readFile(`${target()}.part`).catch(() => '')).length < 50_000);
      await killed.kill();

      server.answer = file(bytes);
      await fetch();
      assert.deepEqual(server.sent('range'), [undefined, 'bytes=50000-']);
      assert.deepEqual(await namesIn(checkpoints()), [name]);
    });
  });
});
