import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { findLibTorch } from '../../src/libtorch';
import { libTorchFiles, writeFiles } from '../support/fake-libtorch';
import { runNode } from '../support/run-node';
import { temporaryFolder } from '../support/temporary';

describe('addon', () => {
  const temporary = temporaryFolder();
  let libtorch: string;

  before(async () => {
    libtorch = (await findLibTorch()).dir;
  });

  /** Runs a program with nothing in its environment but the given variables. */
  async function bare(program: string, env: NodeJS.ProcessEnv = { SEMISUP_LIBTORCH: libtorch }) {
    const { stdout, ...how } = await runNode(
      `const { loadAddon, loadAddonSync, findUsedLibTorch } = require('./src/libtorch');
       (async () => { ${program} })().catch((error) => {
         console.log(JSON.stringify({ code: error.code, message: error.message }));
       });`,
      [],
      env,
    );
    assert.deepEqual(how, { code: 0, signal: null, stderr: '' });
    return JSON.parse(stdout) as { code?: string; message: string } & Record<string, unknown>;
  }

  it('is loaded without an environment, an rpath or a library path', async () => {
    const { compiledFor, dir, source } = await bare(
      `const { compiledFor } = await loadAddon();
       console.log(JSON.stringify({ compiledFor, ...(await findUsedLibTorch()) }));`,
    );
    assert.match(String(compiledFor), /^2\.\d+\.\d+/);
    assert.deepEqual({ dir, source }, { dir: libtorch, source: 'SEMISUP_LIBTORCH' });
  });

  it('is loaded once, however it is asked for', async () => {
    const { same } = await bare(
      `const waiting = [loadAddon(), loadAddon()];
       const now = loadAddonSync();
       const all = [...await Promise.all(waiting), await loadAddon(), loadAddonSync()];
       console.log(JSON.stringify({ same: all.every((addon) => addon === now) }));`,
    );
    assert.equal(same, true);
  });

  it('is loaded in several workers at once', async () => {
    const { loaded } = await bare(
      `const { Worker } = require('node:worker_threads');
       const program = "require('tsx'); require('./src/libtorch').loadAddon().then((addon) => " +
         "require('node:worker_threads').parentPort.postMessage(addon.compiledFor))";
       const answers = [0, 1, 2].map(() => new Promise((resolve, reject) => {
         new Worker(program, { eval: true }).on('message', resolve).on('error', reject);
       }));
       const loaded = new Set(await Promise.all(answers));
       console.log(JSON.stringify({ loaded: loaded.size }));`,
    );
    assert.equal(loaded, 1);
  });

  it('does not hold up the event loop while LibTorch is opened', async () => {
    const { delay } = await bare(
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

  it('is not loaded with a LibTorch of another version', async () => {
    await symlink(join(libtorch, 'lib'), join(temporary.path, 'lib'));
    await writeFiles(temporary.path, { 'version.py': "__version__ = '1.13.0+cpu'" });
    const { code, message } = await bare('await loadAddon()', {
      SEMISUP_LIBTORCH: temporary.path,
    });
    assert.equal(code, 'ERR_SEMISUP_LIBTORCH_MISMATCH');
    assert.match(message, /it is LibTorch 1\.13\.0, but the addon is built for 2\.\d+/);
  });

  it('says what cannot be opened and what may help, and can be loaded afterwards', async () => {
    const version = (await findLibTorch()).version;
    await writeFiles(temporary.path, {
      ...libTorchFiles,
      'version.py': `__version__ = '${version}'`,
    });
    const { code, message, afterwards } = await bare(
      `const { code, message } = await loadAddon({ libtorch: ${JSON.stringify(temporary.path)} })
         .catch((error) => error);
       const sync = (() => { try { loadAddonSync({ libtorch: ${JSON.stringify(temporary.path)} }) }
         catch (error) { return error.message } })();
       if (sync !== message) throw new Error(sync);
       const { compiledFor } = await loadAddon();
       console.log(JSON.stringify({ code, message, afterwards: compiledFor }));`,
    );
    assert.equal(code, 'ERR_SEMISUP_LIBTORCH_OPEN');
    assert(
      message.includes(`in ${temporary.path} (from the option 'libtorch') could not be opened`),
    );
    assert.match(message, /libgomp\.so\.1: (file too short|invalid)/);
    assert.match(message, /Possible solutions:\n- remove that directory and reinstall it/);
    assert.match(String(afterwards), /^2\./);
  });

  it('that is missing says how to get it', async () => {
    const { code, message } = await bare('await loadAddon()', {
      SEMISUP_LIBTORCH: libtorch,
      SEMISUP_PREBUILD: temporary.path,
      PREBUILDS_ONLY: '1',
    });
    assert.equal(code, 'ERR_SEMISUP_ADDON_NOT_FOUND');
    assert.match(message, /No native build was found for/);
    assert.match(message, /In a clone, run 'npm run build:native'/);
  });
});
