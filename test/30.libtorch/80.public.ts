import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { findLibTorch, libtorch, type InstallProgress } from '../../src/libtorch';
import { failure, namesIn } from '../support/download';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { libTorchFiles, writeFiles } from '../support/fake-libtorch';
import { file, someBytes, TestServer } from '../support/http-server';
import { runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

/** Runs a program in a process of its own, because LibTorch can be loaded only once per process. */
async function run(program: string, env: NodeJS.ProcessEnv = process.env): Promise<unknown> {
  const { stdout, stderr, code } = await runNode(
    `const { libtorch, Tensor } = require('./src');
     // All threads must use the same binaries.
     const { PREBUILDS_ONLY } = process.env;
     const env = PREBUILDS_ONLY ? { PREBUILDS_ONLY } : {};
     const worker = (program) => new Promise((resolve, reject) => {
       const { Worker } = require('node:worker_threads');
       const code = "require('./test/support/typescript.cjs'); const { libtorch, Tensor } = require('./src'); (async () => {" + program +
         "})().then((result) => require('node:worker_threads').parentPort.postMessage(result))";
       let result;
       new Worker(code, { eval: true, env }).on('message', (message) => { result = message; })
         .on('error', reject).on('exit', () => resolve(result));
     });
     const codeOf = (f) => { try { f(); } catch (error) { return error.code; } };
     (async () => { ${program} })().then((result) => console.log(JSON.stringify(result)));`,
    [],
    env,
  );
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  return JSON.parse(stdout) as unknown;
}

describe('libtorch', () => {
  const directory = temporaryDirectory();
  const server = new TestServer();
  const at = (...path: string[]) => join(directory.path, ...path);
  const quoted = (path: string) => JSON.stringify(path);
  let real: string;
  before(async () => {
    real = (await findLibTorch()).dir;
  });

  temporaryEnvironment(() => ({
    XDG_CACHE_HOME: at('cache'),
    SEMISUP_LIBTORCH: undefined,
    LIBTORCH: undefined,
    LIBTORCH_USE_PYTORCH: undefined,
    SEMISUP_OFFLINE: undefined,
    SEMISUP_LIBTORCH_MIRROR: undefined,
    PATH: at('bin'),
  }));

  /** A second directory with the same LibTorch. */
  async function copy(name: string): Promise<string> {
    await mkdir(at(name));
    for (const entry of await namesIn(real)) await symlink(join(real, entry), at(name, entry));
    return at(name);
  }

  describe('find', () => {
    it('returns undefined if LibTorch is not installed, and the installation afterwards', async () => {
      assert.equal(await libtorch.find(), undefined);
      const dir = at('cache', 'semisup', 'libtorch', '2.13.0-cpu');
      await writeFiles(dir, libTorchFiles);
      const found = await libtorch.find();
      assert.deepEqual(
        [found?.dir, found?.version, found?.variant, found?.source, found?.rejected.length],
        [dir, '2.13.0', 'cpu', "the user's cache", 4],
      );
    });

    it('returns undefined if only Python has an incompatible version', async () => {
      await writeFiles(at('python'), { ...libTorchFiles, 'version.py': "__version__ = '1.13.0'" });
      await writeFile(at('python3'), `#!/bin/sh\necho ${at('python')}\n`, { mode: 0o755 });
      setEnvironment({ LIBTORCH_USE_PYTORCH: '1', PATH: directory.path });
      assert.equal(await libtorch.find(), undefined);
    });

    it('rejects if a directory is configured but unusable', async () => {
      for (const name of ['SEMISUP_LIBTORCH', 'LIBTORCH']) {
        setEnvironment({ SEMISUP_LIBTORCH: undefined, LIBTORCH: undefined, [name]: at('nowhere') });
        const { remedy } = await failure(libtorch.find(), 'LIBTORCH_NOT_FOUND');
        assert.match(remedy, new RegExp(`^Set ${name} to .*, or unset it and download it`));
      }
      await writeFiles(at('old'), { ...libTorchFiles, 'version.py': "__version__ = '1.13.0'" });
      setEnvironment({ SEMISUP_LIBTORCH: at('old') });
      await failure(libtorch.find(), 'LIBTORCH_MISMATCH');
    });
  });

  describe('use', () => {
    it('precedes the environment, and is reported', async () => {
      const used = await copy('used');
      const result = await run(
        `libtorch.use(${quoted(used)});
         const { dir, source } = await libtorch.find();
         Tensor.from([1]).to({ dtype: 'int8' });
         return { dir, source, loaded: (await libtorch.find()).dir };`,
        { SEMISUP_LIBTORCH: real },
      );
      assert.deepEqual(result, { dir: used, source: 'libtorch.use()', loaded: used });
    });

    it('can be corrected until LibTorch is loaded, then only repeated', async () => {
      const used = await copy('used');
      const other = await copy('other');
      await symlink(used, at('link'));
      const result = await run(
        `libtorch.use(${quoted(other)});
         libtorch.use(${quoted(used)});
         Tensor.from([1]).to({ dtype: 'int8' });
         libtorch.use(${quoted(used)});
         libtorch.use(${quoted(`${used}/lib/..`)});
         libtorch.use(${quoted(at('link'))});
         let error;
         try { libtorch.use(${quoted(other)}) } catch (e) { error = e }
         return { code: error.code, message: error.message, dir: (await libtorch.find()).dir };`,
        {},
      );
      const { code, message, dir } = result as Record<string, string>;
      assert.deepEqual({ code, dir }, { code: 'ERR_SEMISUP_LIBTORCH_LOADED', dir: used });
      assert(message!.includes(`already loaded LibTorch from ${used}.`), message);
      assert(message!.includes(`libtorch.use('${other}') has no effect`), message);
    });

    it('applies while LibTorch is being loaded', async () => {
      const other = await copy('other');
      const result = await run(
        `const loading = require('./src/libtorch').loadAddon();
         await new Promise(setImmediate);
         const code = codeOf(() => libtorch.use(${quoted(other)}));
         await loading;
         return { code, dir: (await libtorch.find()).dir };`,
        { SEMISUP_LIBTORCH: real },
      );
      assert.deepEqual(result, { code: 'ERR_SEMISUP_LIBTORCH_LOADED', dir: real });
    });

    it('applies to worker threads, whether they run before or after the call', async () => {
      const used = await copy('used');
      const other = await copy('other');
      const result = await run(
        `libtorch.use(${quoted(used)});
         const before = await worker('const { dir } = await libtorch.find(); Tensor.from([1]).to({ dtype: "int8" }); return dir;');
         const code = codeOf(() => libtorch.use(${quoted(other)}));
         process.env.SEMISUP_LIBTORCH = ${quoted(other)};
         const { dir, source } = await libtorch.find();
         Tensor.from([1]).to({ dtype: 'int8' });
         return { before, code, dir, source };`,
        {},
      );
      assert.deepEqual(result, {
        before: used,
        code: 'ERR_SEMISUP_LIBTORCH_LOADED',
        dir: used,
        source: 'loaded in this process',
      });
    });

    it('is called in a worker for the whole process', async () => {
      const used = await copy('used');
      const result = await run(
        `await worker(${quoted(`libtorch.use(${quoted(used)});`)});
         return (await libtorch.find()).dir;`,
        {},
      );
      assert.equal(result, used);
    });

    it('opens one LibTorch if threads with different environments load it concurrently', async () => {
      const other = await copy('other');
      const result = await run(
        `const program = (dir) => "process.env.SEMISUP_LIBTORCH = '" + dir + "'; " +
           "await require('./src/libtorch').loadAddon(); return (await libtorch.find()).dir;";
         const dirs = await Promise.all([${quoted(real)}, ${quoted(other)}].map((dir) => worker(program(dir))));
         return new Set(dirs).size;`,
        {},
      );
      assert.equal(result, 1);
    });

    it('checks the directory at once', async () => {
      await writeFiles(at('partial'), {
        'lib/libc10.so': '',
        'version.py': "__version__ = '2.13.0'",
      });
      await writeFiles(at('old'), { ...libTorchFiles, 'version.py': "__version__ = '1.13.0'" });
      const use = (dir: string) =>
        failure(
          (async () => {
            await Promise.resolve();
            libtorch.use(dir);
          })(),
          dir === at('old') ? 'LIBTORCH_MISMATCH' : 'LIBTORCH_NOT_FOUND',
        );
      assert.match(
        (await use(at('nowhere'))).message,
        /libtorch\.use\(\) \(.*\): the directory does not exist/,
      );
      assert.match(
        (await use(at('partial'))).message,
        /does not contain torch_cpu\nPass libtorch\.use the/,
      );
      assert.match(
        (await use(at('old'))).message,
        /it is LibTorch 1\.13\.0, but the addon is built for 2\.\d+/,
      );
    });

    it('rejects values that are not paths', () => {
      for (const value of ['', undefined, 1, {}]) {
        assert.throws(
          () => {
            libtorch.use(value as string);
          },
          {
            code: 'ERR_SEMISUP_OPTION_VALUE',
            message: /Expected a path for the directory of libtorch\.use/,
          },
        );
      }
    });

    it('maps a path in an archive of Electron to the unpacked file', async () => {
      const { message } = await failure(
        (async () => {
          await Promise.resolve();
          libtorch.use('/app/resources/app.asar/libtorch');
        })(),
        'LIBTORCH_NOT_FOUND',
      );
      assert.match(message, /\(\/app\/resources\/app\.asar\.unpacked\/libtorch\)/);
    });
  });

  describe('install', () => {
    const invalid: [object, RegExp][] = [
      [{ variant: 'cuda' }, /Expected 'cpu' or 'cu130' for variant, but received 'cuda'/],
      [{ dir: '' }, /Expected a path for dir/],
      [{ dir: 1 }, /Expected a path for dir/],
      [{ headers: 'yes' }, /Expected a boolean for headers/],
      [{ signal: {} }, /Expected an AbortSignal for signal/],
      [{ onProgress: true }, /Expected a function for onProgress/],
      [{ onprogress: () => undefined }, /no option 'onprogress'\. Did you mean 'onProgress'/],
    ];
    for (const [options, expected] of invalid) {
      it(`rejects the options ${inspect(options)}`, async () => {
        await assert.rejects(libtorch.install(options), expected);
      });
    }

    it('returns an existing installation at once', async () => {
      const dir = at('cache', 'semisup', 'libtorch', '2.13.0-cpu');
      await writeFiles(dir, libTorchFiles);
      setEnvironment({ SEMISUP_OFFLINE: '1' });
      const installed = { dir, version: '2.13.0', variant: 'cpu', headers: false };
      assert.deepEqual(await libtorch.install(), installed);
      await failure(libtorch.install({ variant: 'cu130' }), 'DOWNLOAD_OFFLINE');
    });

    it('downloads the pinned wheel from the mirror and rejects any other', async () => {
      server.handler = file(someBytes(1000));
      setEnvironment({ SEMISUP_LIBTORCH_MIRROR: server.origin });
      const events: InstallProgress[] = [];
      const onProgress = (event: InstallProgress) => events.push(event);
      await failure(libtorch.install({ onProgress }), 'DOWNLOAD_SIZE');
      assert.match(server.requests[0]!.url!, /^\/torch-2\.13\.0/);
      assert.deepEqual([events[0]!.phase, events[0]!.received], ['fetch', 0]);
      assert(events[0]!.total > 1e8);
      assert.deepEqual(await namesIn(at('cache', 'semisup', 'libtorch')), []);
    });

    it('leaves nothing in the directory after an abort', async () => {
      server.handler = (_, response) => {
        response.writeHead(200, { 'content-length': 191_794_682, etag: '"1"' });
        response.write(someBytes(1000));
        // Progress is reported at most ten times a second.
        setTimeout(() => response.write(someBytes(1000)), 200);
      };
      setEnvironment({ SEMISUP_LIBTORCH_MIRROR: server.origin });
      const abort = new AbortController();
      const onProgress = ({ received }: InstallProgress) => {
        if (received > 0) abort.abort(new Error('enough'));
      };
      const dir = at('app', 'libtorch');
      await assert.rejects(libtorch.install({ dir, signal: abort.signal, onProgress }), /enough/);
      const names = await namesIn(at('app'));
      assert(
        names.every((name) => name.endsWith('.part') || name.endsWith('.json')),
        names.join(),
      );
    });
  });
});
