import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { OptionError } from '../../src/errors';
import { checkpointsDirectory, hubDirectory } from '../../src/hub/cache';
import { fetchCheckpoint } from '../../src/hub/checkpoints';
import type { FileOrigin } from '../../src/models/checkpoint-origin';
import { Child } from '../support/child';
import { failure, fastRetries, namesIn } from '../support/download';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import {
  file,
  sha256,
  someBytes,
  status,
  TestServer,
  type RequestHandler,
} from '../support/http-server';
import { temporaryDirectory } from '../support/temporary';

describe('hubDirectory', () => {
  temporaryEnvironment(() => ({ TORCH_HOME: undefined, XDG_CACHE_HOME: undefined }));

  it('returns the directory of torch.hub', () => {
    assert.equal(hubDirectory(), join(homedir(), '.cache/torch/hub'));
    setEnvironment({ XDG_CACHE_HOME: '/cache' });
    assert.equal(hubDirectory(), '/cache/torch/hub');
    setEnvironment({ TORCH_HOME: '/torch' });
    assert.equal(hubDirectory(), '/torch/hub');
    assert.equal(hubDirectory('/hub'), '/hub');
    assert.equal(checkpointsDirectory('/hub'), '/hub/checkpoints');
  });

  it('expands a leading ~', () => {
    assert.equal(hubDirectory('~/hub'), join(homedir(), 'hub'));
    setEnvironment({ TORCH_HOME: '~' });
    assert.equal(hubDirectory(), join(homedir(), 'hub'));
    assert.equal(hubDirectory('/~/hub'), '/~/hub');
    assert.equal(hubDirectory('/hub/~'), '/hub/~');
  });

  it('ignores empty environment variables', () => {
    setEnvironment({ TORCH_HOME: '', XDG_CACHE_HOME: '' });
    assert.equal(hubDirectory(), join(homedir(), '.cache/torch/hub'));
  });
});

describe('fetchCheckpoint of a file', () => {
  const directory = temporaryDirectory();
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
  const source = (): FileOrigin => ({
    kind: 'file',
    file: name,
    sha256Prefix: prefix,
    url: `${server.origin}/official/${name}`,
    safetensors: { repo: 'timm/resnet18.fb' },
  });
  const checkpoints = () => join(directory.path, 'checkpoints');
  const target = () => join(checkpoints(), name);
  const fetch = (options = {}) =>
    fetchCheckpoint(source(), { hubDir: directory.path, retryPolicy: fastRetries, ...options });
  const requests = () => server.requests.map(({ method, url }) => `${method} ${url}`);

  /**
   * Responds like the Hugging Face Hub, which redirects to the storage of the file, and with 404 like the
   * official server.
   */
  const huggingFace: RequestHandler = (request, response, n) => {
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

  it('downloads from the official server into the directory of torch.hub', async () => {
    server.handler = file(bytes);
    assert.equal(await fetch(), target());
    assert.deepEqual(await readFile(target()), bytes);
    assert.deepEqual(requests(), [`GET /official/${name}`]);
    assert.deepEqual(await namesIn(checkpoints()), [name]);
  });

  for (const mirror of ['/mirror', '/mirror/']) {
    it(`downloads from the mirror ${mirror} instead of the official server`, async () => {
      setEnvironment({ SEMISUP_WEIGHTS_MIRROR: server.origin + mirror });
      server.handler = file(bytes);
      await fetch();
      assert.deepEqual(requests(), [`GET /mirror/${name}`]);
    });
  }

  it('rejects a mirror that is not a URL', async () => {
    setEnvironment({ SEMISUP_WEIGHTS_MIRROR: '/srv/mirror' });
    await assert.rejects(fetch(), (error) => {
      assert(error instanceof OptionError);
      assert.match(error.message, /SEMISUP_WEIGHTS_MIRROR, but received '\/srv\/mirror'/);
      return true;
    });
  });

  describe('with a cached file', () => {
    it('uses the cached file without a request', async () => {
      await leaveFile(bytes);
      assert.equal(await fetch(), target());
      assert.equal(server.requests.length, 0);
    });

    it('removes partial files that nothing resumes, when it is used', async () => {
      await leaveFile(bytes);
      for (const file of [target(), join(checkpoints(), copyName)]) {
        await leaveFile('begun', `${file}.part`);
        await leaveFile('{}', `${file}.part.json`);
      }
      await leaveFile('begun', join(checkpoints(), 'another.pth.part'));
      await fetch();
      assert.deepEqual(await namesIn(checkpoints()), ['another.pth.part', name]);
    });

    it('rejects and preserves a file whose hash differs from that in its name', async () => {
      await leaveFile('damaged');
      server.handler = file(bytes);
      const error = await failure(fetch(), 'DOWNLOAD_HASH');
      assert(error.message.includes(target()) && error.message.includes('forceReload'));
      assert.equal(server.requests.length, 0);
      assert.equal(await readFile(target(), 'utf8'), 'damaged');
    });

    it('reports that the file cannot be read', async () => {
      await mkdir(target(), { recursive: true });
      const error = await failure(fetch(), 'DOWNLOAD_DISK');
      assert.match(error.message, /\.pth could not be read: EISDIR/);
    });

    it('replaces the file if forceReload is set', async () => {
      await leaveFile('damaged');
      server.handler = file(bytes);
      await fetch({ forceReload: true });
      assert.deepEqual(await readFile(target()), bytes);
    });

    it('preserves the file if forceReload fails', async () => {
      await leaveFile(bytes);
      server.handler = status(404);
      await failure(fetch({ forceReload: true }), 'DOWNLOAD_HTTP');
      assert.deepEqual(await readFile(target()), bytes);
    });
  });

  describe('with a copy by timm', () => {
    it('downloads the copy if the official server fails, and checks it against the hash that its server reports', async () => {
      server.handler = huggingFace;
      const copy = join(checkpoints(), copyName);
      assert.equal(await fetch(), copy);
      assert.deepEqual(await readFile(copy), copyBytes);
      assert.deepEqual(requests(), [
        `GET /official/${name}`,
        'HEAD /hf/timm/resnet18.fb/resolve/main/model.safetensors',
        'HEAD /lfs',
        'GET /hf/timm/resnet18.fb/resolve/main/model.safetensors',
        'GET /lfs',
      ]);
    });

    it('uses a cached copy without a request', async () => {
      await leaveFile(copyBytes, join(checkpoints(), copyName));
      await leaveFile(copyBytes, join(checkpoints(), `resnet18.fb2-${copyName.slice(-20)}`));
      assert.equal(await fetch(), join(checkpoints(), copyName));
      assert.equal(server.requests.length, 0);
    });

    it('rejects a cached copy whose hash differs from that in its name', async () => {
      await leaveFile('damaged', join(checkpoints(), copyName));
      const error = await failure(fetch(), 'DOWNLOAD_HASH');
      assert(error.message.includes(copyName));
    });

    it('checks a copy from a mirror against the ETag', async () => {
      server.handler = (request, ...rest) => {
        const etag = `"${sha256(copyBytes)}"`;
        if (request.url!.startsWith('/hf/')) file(copyBytes, { etag })(request, ...rest);
        else status(404)(request, ...rest);
      };
      assert.equal(await fetch(), join(checkpoints(), copyName));
    });

    it('rejects a copy whose hash differs from the one that its server reports', async () => {
      server.handler = (request, response, n) => {
        if (request.url === '/lfs') file(someBytes(100_000))(request, response, n);
        else huggingFace(request, response, n);
      };
      const error = await failure(fetch(), 'DOWNLOAD_HTTP');
      assert(error.message.includes(sha256(copyBytes)));
      assert.deepEqual(await namesIn(checkpoints()), []);
    });

    it('rejects a copy whose server reports no hash', async () => {
      server.handler = (request, ...rest) => {
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

  describe('without an available source', () => {
    it('lists the sources with the causes of their failures, and suggests the baseline', async () => {
      setEnvironment({ HF_ENDPOINT: 'http://127.0.0.1:1' });
      server.handler = status(404);
      const { message } = await failure(fetch(), 'DOWNLOAD_HTTP');
      assert(message.includes(`${source().url} responded with status 404`));
      assert.match(
        message,
        /http:\/\/127\.0\.0\.1:1\/timm\/.* could not be reached: .*ECONNREFUSED/,
      );
      assert.match(message, /'resnet50_baseline'/);
      assert.deepEqual(await namesIn(checkpoints()), []);
    });

    it('rejects with the error code of the official server', async () => {
      server.handler = (request, ...rest) => {
        if (request.url!.startsWith('/hf/')) status(404)(request, ...rest);
        else file(someBytes(1000))(request, ...rest);
      };
      await failure(fetch(), 'DOWNLOAD_HASH');
      assert.deepEqual(await namesIn(checkpoints()), []);
    });

    it('does not try another source if the file cannot be written', async () => {
      await mkdir(`${target()}.part`, { recursive: true });
      await failure(fetch(), 'DOWNLOAD_DISK');
      assert.equal(server.requests.length, 0);
    });

    it('does not try another source after an abort', async () => {
      const abort = new AbortController();
      server.handler = () => {
        abort.abort('enough');
      };
      await assert.rejects(fetch({ signal: abort.signal }), (reason) => reason === 'enough');
      assert.equal(server.requests.length, 1);
    });
  });

  describe('offline', () => {
    for (const [setting, variable, option] of [
      ['the offline option', undefined, true],
      ['SEMISUP_OFFLINE', '1', undefined],
    ] as const) {
      it(`uses only the cache with ${setting}`, async () => {
        setEnvironment({ SEMISUP_OFFLINE: variable });
        const error = await failure(fetch({ offline: option }), 'DOWNLOAD_OFFLINE');
        assert(error.message.includes(target()));
        await leaveFile(bytes);
        assert.equal(await fetch({ offline: option }), target());
        assert.equal(server.requests.length, 0);
      });
    }

    it('does not download if forceReload is set', async () => {
      await leaveFile(bytes);
      await failure(fetch({ offline: true, forceReload: true }), 'DOWNLOAD_OFFLINE');
      assert.deepEqual(await readFile(target()), bytes);
    });

    for (const [variable, option] of [
      ['0', undefined],
      ['', undefined],
      ['1', false],
    ] as const) {
      it(`downloads with SEMISUP_OFFLINE='${variable}' and the option ${option}`, async () => {
        setEnvironment({ SEMISUP_OFFLINE: variable });
        server.handler = file(bytes);
        assert.equal(await fetch({ offline: option }), target());
      });
    }
  });

  describe('in two processes', () => {
    const child = () =>
      new Child('fetch-checkpoint.ts', [JSON.stringify(source()), directory.path]);

    it('downloads once', async () => {
      const children = [child(), child()];
      // Respond once one of them downloads and the other waits for it.
      server.handler = (request, response, n) => {
        void Promise.any(children.map((process) => process.says('waits'))).then(() => {
          file(bytes)(request, response, n);
        });
      };
      const outputs = await Promise.all(children.map((process) => process.ends()));
      assert.deepEqual(outputs.sort(), [`${target()}\n`, `waits\n${target()}\n`]);
      assert.deepEqual(requests(), [`GET /official/${name}`]);
      assert.deepEqual(await namesIn(checkpoints()), [name]);
    });

    it('resumes the download of a process that was killed', async () => {
      const killed = child();
      server.handler = (_, response) => {
        response.writeHead(200, { etag: '"1"', 'content-length': bytes.length });
        response.write(bytes.subarray(0, 50_000));
      };
      while ((await readFile(`${target()}.part`).catch(() => '')).length < 50_000);
      await killed.kill();

      server.handler = file(bytes);
      await fetch();
      assert.deepEqual(server.sent('range'), [undefined, 'bytes=50000-']);
      assert.deepEqual(await namesIn(checkpoints()), [name]);
    });
  });
});
