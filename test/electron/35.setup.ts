import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wheelsOf } from '../../src/libtorch';
import { builds, electronOrSkip } from './support/builds';
import { installExample, quit, startApp, type RunningApp } from './support/example';
import type { Installation } from './support/installation';
import { ownLines } from './support/run-electron';

describe(`the first start of examples/electron in Electron ${builds[42].version}`, function () {
  this.timeout(120_000);
  let installation: Installation;
  let cache: string;
  let server: Server;
  let run: RunningApp;
  before(async function () {
    const electron = await electronOrSkip(this, 42);
    installation = await installExample(electron);
    cache = await mkdtemp(join(tmpdir(), 'semisup-electron-cache-'));
    // A download that never ends.
    server = createServer((_, response) => {
      response.writeHead(200, { 'content-length': wheelsOf('cpu')[0]!.size });
      const timer = setInterval(() => response.write(Buffer.alloc(200_000)), 20);
      response.on('close', () => {
        clearInterval(timer);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    run = await startApp(installation, {
      XDG_CACHE_HOME: cache,
      SEMISUP_LIBTORCH: '',
      LIBTORCH: '',
      LIBTORCH_USE_PYTORCH: '',
      SEMISUP_LIBTORCH_MIRROR: `http://127.0.0.1:${port}`,
    });
  });
  after(async () => {
    run?.kill();
    server?.closeAllConnections();
    server?.close();
    await installation?.remove();
    if (cache) await rm(cache, { recursive: true, force: true });
  });

  it('offers to install LibTorch, shows the progress, and can be canceled', async () => {
    const { page } = run;
    const install = page.getByRole('button', { name: 'Install LibTorch' });
    await install.click();
    await page.locator('#setup .progress', { hasText: /Downloading [1-9]\d* of \d+ MB/ }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await install.waitFor();
    assert.equal(await page.locator('#setup .error').count(), 0);
  });

  it('quits cleanly during the installation', async () => {
    const { page } = run;
    await page.getByRole('button', { name: 'Install LibTorch' }).click();
    await page.locator('#setup .progress').waitFor();
    await quit(run);
    assert.deepEqual(await run.exit, { code: 0, signal: null });
    assert.deepEqual(ownLines(run.stderr()), []);
  });
});
