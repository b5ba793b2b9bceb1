import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { findLibTorch } from '../../src/libtorch';
import { libTorchFiles, writeFiles } from '../support/fake-libtorch';
import { compileFutureLibrary, reasonAgainstCompiling } from '../support/future-library';
import { runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

describe('addon', () => {
  const directory = temporaryDirectory();
  let libtorch: string;

  before(async () => {
    libtorch = (await findLibTorch()).dir;
  });

  /** Runs a program with only the given environment variables. */
  async function runIsolated(
    program: string,
    env: NodeJS.ProcessEnv = { SEMISUP_LIBTORCH: libtorch },
  ) {
    const { stdout, ...status } = await runNode(
      `const { libtorch, loadAddon, loadAddonSync, findUsedLibTorch } = require('./src/libtorch');
       (async () => { ${program} })().catch((error) => {
         console.log(JSON.stringify({ code: error.code, message: error.message }));
       });`,
      [],
      env,
    );
    assert.deepEqual(status, { code: 0, signal: null, stderr: '' });
    return JSON.parse(stdout) as { code?: string; message: string } & Record<string, unknown>;
  }

  it('loads without an environment, an rpath or a library path', async () => {
    const { compiledFor, dir, source } = await runIsolated(
      `const { compiledFor } = await loadAddon();
       console.log(JSON.stringify({ compiledFor, ...(await findUsedLibTorch()) }));`,
    );
    assert.match(String(compiledFor), /^2\.\d+\.\d+/);
    assert.deepEqual({ dir, source }, { dir: libtorch, source: 'SEMISUP_LIBTORCH' });
  });

  it('loads once for all synchronous and asynchronous calls', async () => {
    const { same } = await runIsolated(
      `const waiting = [loadAddon(), loadAddon()];
       const now = loadAddonSync();
       const all = [...await Promise.all(waiting), await loadAddon(), loadAddonSync()];
       console.log(JSON.stringify({ same: all.every((addon) => addon === now) }));`,
    );
    assert.equal(same, true);
  });

  it('loads concurrently in several workers', async () => {
    const { loaded } = await runIsolated(
      `const { Worker } = require('node:worker_threads');
       const program = "require('./test/support/typescript.cjs'); require('./src/libtorch').loadAddon().then((addon) => " +
         "require('node:worker_threads').parentPort.postMessage(addon.compiledFor))";
       const answers = [0, 1, 2].map(() => new Promise((resolve, reject) => {
         new Worker(program, { eval: true }).on('message', resolve).on('error', reject);
       }));
       const loaded = new Set(await Promise.all(answers));
       console.log(JSON.stringify({ loaded: loaded.size }));`,
    );
    assert.equal(loaded, 1);
  });

  it('does not block the event loop while LibTorch is opened', async () => {
    const { delay } = await runIsolated(
      `const delays = require('node:perf_hooks').monitorEventLoopDelay({ resolution: 1 });
       await new Promise((resolve) => setTimeout(resolve, 50));
       delays.enable();
       await loadAddon();
       console.log(JSON.stringify({ delay: delays.max / 1e6 }));`,
    );
    assert(Number(delay) < 100, `${String(delay)} ms`);
  });

  for (const moment of [40, 80, 120, 160]) {
    it(`lets the process exit cleanly ${moment} ms into loading`, async () => {
      const { code } = await runNode(
        `require('./src/libtorch').loadAddon(); setTimeout(() => process.exit(0), ${moment});`,
        [],
        { SEMISUP_LIBTORCH: libtorch },
      );
      assert.equal(code, 0);
    });
  }

  it('does not load with a different LibTorch version', async () => {
    await symlink(join(libtorch, 'lib'), join(directory.path, 'lib'));
    await writeFiles(directory.path, { 'version.py': "__version__ = '1.13.0+cpu'" });
    const { code, message } = await runIsolated('await loadAddon()', {
      SEMISUP_LIBTORCH: directory.path,
    });
    assert.equal(code, 'ERR_SEMISUP_LIBTORCH_MISMATCH');
    assert.match(message, /it is LibTorch 1\.13\.0, but the addon is built for 2\.\d+/);
  });

  it('reports a library that fails to open and the possible solutions, and loads on a later call', async () => {
    const version = (await findLibTorch()).version;
    await writeFiles(directory.path, {
      ...libTorchFiles,
      'version.py': `__version__ = '${version}'`,
    });
    const { code, message, afterwards } = await runIsolated(
      `libtorch.use(${JSON.stringify(directory.path)});
       const { code, message } = await loadAddon().catch((error) => error);
       const sync = (() => { try { loadAddonSync() } catch (error) { return error.message } })();
       if (sync !== message) throw new Error(sync);
       libtorch.use(${JSON.stringify(libtorch)});
       const { compiledFor } = await loadAddon();
       console.log(JSON.stringify({ code, message, afterwards: compiledFor }));`,
    );
    assert.equal(code, 'ERR_SEMISUP_LIBTORCH_OPEN');
    assert(message.includes(`in ${directory.path} (from libtorch.use()) could not be opened`));
    assert.match(message, /libgomp\.so\.1: (file too short|invalid)/);
    assert.match(message, /Possible solutions:\n- remove that directory and reinstall it/);
    assert.match(String(afterwards), /^2\./);
  });

  const reason = reasonAgainstCompiling();
  const itIfCompiled = reason ? it.skip : it;
  const suffix = reason ? ` (skipped: ${reason})` : '';

  itIfCompiled(`names the system library that is too old for LibTorch${suffix}`, async () => {
    const version = (await findLibTorch()).version;
    await writeFiles(directory.path, {
      ...libTorchFiles,
      'version.py': `__version__ = '${version}'`,
    });
    const library = join(directory.path, 'lib', 'libgomp.so.1');
    await compileFutureLibrary(directory.path, library);
    const { code, message } = await runIsolated('await loadAddon()', {
      SEMISUP_LIBTORCH: directory.path,
      PATH: process.env.PATH,
    });
    assert.equal(code, 'ERR_SEMISUP_LIBTORCH_OPEN');
    assert(message.includes(`is too old: ${library} requires 2.99.`), message);
    assert.match(
      message,
      /the system's glibc \(\S*libm\.so\.6\), which provides 2\.\d+, is too old/,
    );
    assert.match(message, /Installing LibTorch again does not help\.$/);
  });

  itIfCompiled(`names the system library that is too old for the addon${suffix}`, async () => {
    const release = join(directory.path, 'build', 'Release');
    await mkdir(release, { recursive: true });
    await compileFutureLibrary(directory.path, join(release, 'binding.node'));
    const { code, message } = await runIsolated('await loadAddon()', {
      SEMISUP_LIBTORCH: libtorch,
      SEMISUP_PREBUILD: directory.path,
    });
    assert.equal(code, 'ERR_SEMISUP_PLATFORM');
    assert.match(
      message,
      /^The compiled addon could not be opened: the system's glibc .* 2\.99\. /,
    );
  });

  it('reports how to build a missing addon', async () => {
    const { code, message } = await runIsolated('await loadAddon()', {
      SEMISUP_LIBTORCH: libtorch,
      SEMISUP_PREBUILD: directory.path,
      PREBUILDS_ONLY: '1',
    });
    assert.equal(code, 'ERR_SEMISUP_ADDON_NOT_FOUND');
    assert.match(message, /No native build was found for .*, loaded from: .*\. In a clone, run /);
    assert.match(message, /In a clone, run 'npm run build:native'/);
    assert.match(message, /cmake-js node-addon-api && node ".*setup\.mjs" --native$/);
  });
});
