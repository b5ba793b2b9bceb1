import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkpointsDirectory } from '../../src/hub/cache';
import { root } from '../support/run-node';
import { builds, electronOrSkip } from './support/builds';
import {
  dropFiles,
  enginePid,
  installExample,
  quit,
  startApp,
  type RunningApp,
} from './support/example';
import type { Installation } from './support/installation';
import { ownLines } from './support/run-electron';

const clock = join(root, 'examples', 'clock.jpg');

describe(`quitting in Electron ${builds[42].version}`, function () {
  this.timeout(120_000);
  let installation: Installation;
  let torchHome: string;
  let server: Server;
  let env: NodeJS.ProcessEnv;
  let run: RunningApp | undefined;
  before(async function () {
    const electron = await electronOrSkip(this, 42);
    installation = await installExample(electron);
    torchHome = await createTorchHome();
    // A download that never ends.
    server = createServer((_, response) => {
      response.writeHead(200, { 'content-length': 100_000_000 });
      const timer = setInterval(() => response.write(Buffer.alloc(100_000)), 20);
      response.on('close', () => {
        clearInterval(timer);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    env = { TORCH_HOME: torchHome, SEMISUP_WEIGHTS_MIRROR: `http://127.0.0.1:${port}` };
  });
  after(async () => {
    server?.closeAllConnections();
    server?.close();
    await installation?.remove();
    if (torchHome) await rm(torchHome, { recursive: true, force: true });
  });

  afterEach(() => {
    run?.kill();
  });

  // A compiled model is loaded so fast that its loading may be over.
  const loading = /Loading|resnet50_baseline/;
  const status = async ({ page }: RunningApp, text: string | RegExp) => {
    await page.locator('#status', { hasText: text }).waitFor();
  };

  const stages: Record<string, (run: RunningApp) => Promise<void>> = {
    'at the start': () => Promise.resolve(),
    'while LibTorch or the model is loaded': async (run) => {
      await status(run, loading);
    },
    'a moment later': async (run) => {
      await status(run, loading);
      await sleep(100);
    },
    'during a forward pass': async (run) => {
      await status(run, 'resnet50_baseline');
      await dropFiles(
        run,
        Array.from({ length: 30 }, () => clock),
      );
      await run.page.locator('.predictions').first().waitFor();
    },
    'during a download': async (run) => {
      await status(run, 'resnet50_baseline');
      await run.page.getByRole('tab', { name: 'Models' }).click();
      await run.page.getByRole('button', { name: 'Use ResNet-50, semi-weakly' }).click();
      await run.page.locator('.progress', { hasText: /Downloading [1-9]\d* of 100 MB/ }).waitFor();
    },
  };
  for (const [stage, reach] of Object.entries(stages)) {
    it(`is clean ${stage}`, async () => {
      run = await startApp(installation, env);
      await reach(run);
      const pid = await enginePid(run);
      await quit(run);
      assert.deepEqual(await run.exit, { code: 0, signal: null });
      assert.deepEqual(withoutNotice(ownLines(run.stderr())), []);
      await hasExited(pid);
    });
  }

  it('is clean after the engine was killed', async () => {
    run = await startApp(installation, env);
    await status(run, 'resnet50_baseline');
    process.kill(await enginePid(run), 'SIGKILL');
    await quit(run);
    assert.deepEqual(await run.exit, { code: 0, signal: null });
    assert.deepEqual(
      ownLines(run.stderr()).filter((line) => line !== 'The engine exited with code 9.'),
      [],
    );
  });
});

/** Resolves once a process, which is not a child of this one, has been reaped. */
async function hasExited(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await sleep(20);
  }
}

/** The notice of the license of the weights that are downloaded. */
function withoutNotice(lines: readonly string[]): string[] {
  return lines.filter((line) => !/SEMISUP_LICENSE|--trace-warnings/.test(line));
}

/** A cache with the baseline, if it is in the user's, and without other models. */
async function createTorchHome(): Promise<string> {
  const torchHome = await mkdtemp(join(tmpdir(), 'semisup-electron-torch-'));
  const checkpoints = join(torchHome, 'hub', 'checkpoints');
  await mkdir(checkpoints, { recursive: true });
  const cache = checkpointsDirectory();
  for (const name of await readdir(cache).catch(() => [])) {
    if (/^resnet(50_baseline|_imagenet)-[\w.-]+$/.test(name) && !name.endsWith('.lock')) {
      await symlink(join(cache, name), join(checkpoints, name));
    }
  }
  return torchHome;
}
