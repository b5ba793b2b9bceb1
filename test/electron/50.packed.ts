import assert from 'node:assert/strict';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointsDirectory } from '../../src/hub/cache';
import { userCache } from '../../src/libtorch';
import { root } from '../support/run-node';
import { builds, electronOrSkip } from './support/builds';
import { dropFiles, quit, startApp, type RunningApp } from './support/example';
import { installPacked } from './support/pack';
import { ownLines } from './support/run-electron';

describe(`the packed example in Electron ${builds[42].version}`, function () {
  this.timeout(180_000);

  it('classifies with LibTorch and the native addons outside of app.asar', async function () {
    const electron = await electronOrSkip(this, 42);
    const installation = await installPacked(electron);
    let run: RunningApp | undefined;
    try {
      const names = await readdir(installation.resources);
      assert.deepEqual(names.sort(), ['app.asar', 'app.asar.unpacked', 'libtorch']);
      // A cache without LibTorch, but with the plans tuned for this machine.
      const cache = join(installation.resources, 'cache');
      await mkdir(join(cache, 'semisup'), { recursive: true });
      await symlink(join(userCache(), 'plans'), join(cache, 'semisup', 'plans'));
      const env = { XDG_CACHE_HOME: cache, TORCH_HOME: torchHome() };
      run = await startApp(installation, env);
      await run.page.locator('#status', { hasText: 'resnet50_baseline' }).waitFor();
      await dropFiles(run, [join(root, 'examples', 'clock.jpg')]);
      await run.page.locator('.predictions', { hasText: 'wall clock' }).waitFor();
      await quit(run);
      assert.deepEqual(await run.exit, { code: 0, signal: null });
      assert.deepEqual(ownLines(run.stderr()), []);
    } finally {
      run?.kill();
      await installation.remove();
    }
  });
});

/** The user's cache of checkpoints, whatever XDG_CACHE_HOME is. */
function torchHome(): string {
  return join(checkpointsDirectory(), '..', '..');
}
