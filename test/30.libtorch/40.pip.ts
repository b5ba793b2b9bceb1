import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { installLibTorch } from '../../src/libtorch/install';
import { type InstallProgress } from '../../src/libtorch';
import type { LibTorchError } from '../../src/errors';
import type { Wheel } from '../../src/libtorch/wheels';
import { failure, namesIn } from '../support/download';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { wheelFiles, writeFiles, writeWheel } from '../support/fake-libtorch';
import { file, status, TestServer } from '../support/http-server';
import { temporaryDirectory } from '../support/temporary';

// A fake `python3 -m pip download` that logs its arguments and runs `script`.
const fakePip = (script: string) => `#!/bin/sh
printf '%s\\n' "$@" > "$NOTES"
while [ "$1" != --dest ]; do shift; done
${script}
`;

describe('installation by pip', () => {
  const server = new TestServer();
  const directory = temporaryDirectory();
  const at = (...path: string[]) => join(directory.path, ...path);
  const installed = () => at('cache', 'semisup', 'libtorch', '2.13.0-cpu');

  temporaryEnvironment(() => ({
    XDG_CACHE_HOME: at('cache'),
    SEMISUP_LIBTORCH: undefined,
    SEMISUP_OFFLINE: undefined,
    SEMISUP_LIBTORCH_MIRROR: undefined,
    PATH: `${at('bin')}:${process.env.PATH}`,
    NOTES: at('notes'),
    WHEELS: at('wheels'),
  }));

  async function installFakePip(script: string): Promise<void> {
    await writeFiles(at('bin'), { python3: fakePip(script) });
    await chmod(at('bin', 'python3'), 0o755);
  }

  async function createWheel() {
    await mkdir(at('wheels'));
    return await writeWheel(at('wheels'));
  }

  it('downloads a wheel without a base URL', async () => {
    const wheel = await createWheel();
    await installFakePip('cp "$WHEELS"/*.whl "$2"');
    assert.equal((await installLibTorch({}, [wheel])).version, '2.13.0');
    assert.deepEqual(await namesIn(dirname(installed())), ['2.13.0-cpu']);
  });

  it('requests the exact version for the platform of the wheel', async () => {
    const wheel = await createWheel();
    await installFakePip('cp "$WHEELS"/*.whl "$2"');
    await installLibTorch({}, [wheel]);
    const args = (await readFile(at('notes'), 'utf8')).replaceAll('\n', ' ');
    assert.match(args, /^-m pip download .*--no-deps --only-binary=:all: /);
    assert.match(args, /--python-version 3\.11 --implementation cp /);
    assert.match(args, /--platform manylinux_2_28_x86_64 /);
    assert.match(args, / torch===2\.13\.0\+cpu $/);
  });

  it('is the fallback if the server does not have the wheel', async () => {
    const wheel = await createWheel();
    server.handler = status(404);
    await installFakePip('cp "$WHEELS"/*.whl "$2"');
    await installLibTorch({}, [{ ...wheel, base: server.origin }]);
    assert.equal(server.requests.length, 1);
    assert(existsSync(installed()));
  });

  it('does not run if the server has the wheel', async () => {
    const wheel = await createWheel();
    server.handler = file(wheel.bytes);
    await installFakePip('exit 1');
    await installLibTorch({}, [{ ...wheel, base: server.origin }]);
    assert(!existsSync(at('notes')));
  });

  it('is the fallback if the server is unreachable', async () => {
    const wheel = await createWheel();
    await installFakePip('cp "$WHEELS"/*.whl "$2"');
    await installLibTorch({}, [{ ...wheel, base: 'http://127.0.0.1:9/' }]);
    assert(existsSync(installed()));
  });

  it('rejects a file whose hash differs from the pinned one', async () => {
    const wheel = await createWheel();
    await installFakePip(`echo another > "$2/${wheel.file}"`);
    const error = await failure(installLibTorch({}, [wheel]), 'DOWNLOAD_HASH');
    assert.match(error.message, /Expected SHA-256 .* from pip/);
    assert.deepEqual(await namesIn(dirname(installed())), []);
  });

  it('reports the output of pip on failure', async () => {
    const wheel = await createWheel();
    await installFakePip('echo "ERROR: No matching distribution found" >&2; exit 1');
    const error = await failure(installLibTorch({}, [wheel]), 'LIBTORCH_INSTALL');
    assert.match(error.message, /torch===2\.13\.0\+cpu failed: ERROR: No matching distribution/);
    assert.deepEqual(await namesIn(dirname(installed())), []);
  });

  it('reports a missing file after pip succeeded', async () => {
    const wheel = await createWheel();
    await installFakePip('exit 0');
    const error = await failure(installLibTorch({}, [wheel]), 'LIBTORCH_INSTALL');
    assert.match(error.message, /pip did not download the file/);
  });

  it('reports progress during the download', async () => {
    const wheel = await createWheel();
    await installFakePip(
      'head -c 100 "$WHEELS"/*.whl > "$TMPDIR/x"; sleep 0.6; cp "$WHEELS"/*.whl "$2"',
    );
    const events: InstallProgress[] = [];
    await installLibTorch({ onProgress: (event) => events.push(event) }, [wheel]);
    assert(events.some(({ phase, received }) => phase === 'fetch' && received === 100));
  });

  it('is terminated on abort', async () => {
    const wheel = await createWheel();
    await installFakePip('exec sleep 20');
    const abort = new AbortController();
    const started = performance.now();
    setTimeout(() => {
      abort.abort(new Error('enough'));
    }, 100);
    await assert.rejects(installLibTorch({ signal: abort.signal }, [wheel]), /enough/);
    assert(performance.now() - started < 10_000);
    assert.deepEqual(await namesIn(dirname(installed())), []);
  });

  describe('of substitutes', () => {
    /** A wheel that pip does not find, and two that replace it. */
    async function createSubstitutes() {
      await mkdir(at('wheels'));
      const torch = await writeWheel(
        at('wheels'),
        wheelFiles,
        'torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl',
      );
      const cudart = await writeWheel(
        at('wheels'),
        {
          'nvidia/cu13/lib/libcudart.so.13': 'cudart',
          'nvidia/cu13/lib/libnvperf_host.so': 'profiler',
        },
        'nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.whl',
      );
      const wheel = {
        ...torch,
        file: 'torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl',
        sha256: '0'.repeat(64),
        substitutes: [torch, cudart],
      };
      return { wheel, bytes: torch.size + cudart.size };
    }

    const publicIndex = `for requirement; do :; done
case $requirement in
  *+cpu) echo "ERROR: No matching distribution found for $requirement" >&2; exit 1;;
  *) cp "$WHEELS/$(echo $requirement | sed 's/===/-/')"-*.whl "$2";;
esac`;

    async function install(wheel: Wheel) {
      const warnings: (Error & { code?: string })[] = [];
      const listen = (warning: Error) => warnings.push(warning);
      process.on('warning', listen);
      const events: InstallProgress[] = [];
      try {
        const result = await installLibTorch({ onProgress: (event) => events.push(event) }, [
          wheel,
        ]).catch((error: unknown) => error as LibTorchError);
        await new Promise(setImmediate);
        return { result, warnings, events };
      } finally {
        process.off('warning', listen);
      }
    }

    it('announces their size and installs the CPU libraries', async () => {
      const { wheel, bytes } = await createSubstitutes();
      await installFakePip(publicIndex);
      const { result, warnings, events } = await install({ ...wheel, size: 1 });
      assert.deepEqual(result, {
        ...{ dir: installed(), version: '2.13.0', variant: 'cpu', headers: false },
      });
      assert.deepEqual(await namesIn(join(installed(), 'lib')), [
        ...['libc10.so', 'libcudart.so.13', 'libgomp.so.1', 'libtorch_cpu.so'],
      ]);
      assert.deepEqual(
        warnings.map(({ code }) => code),
        ['SEMISUP_LIBTORCH_SUBSTITUTE'],
      );
      assert.match(warnings[0]!.message, /: \d+ MB are downloaded\.$/);
      const totals = new Map(events.map(({ file, total, phase }) => [`${phase} ${file}`, total]));
      const fetched = wheel.substitutes.map(({ file }) => totals.get(`fetch ${file}`)!);
      assert.equal(fetched[0]! + fetched[1]!, bytes);
      assert.deepEqual(await namesIn(dirname(installed())), ['2.13.0-cpu']);
    });

    it('is not attempted if pip has the wheel', async () => {
      const { wheel } = await createSubstitutes();
      const own = await writeWheel(at('wheels'));
      await installFakePip('cp "$WHEELS"/*+cpu*.whl "$2"');
      const { warnings } = await install({ ...own, substitutes: wheel.substitutes });
      assert.deepEqual(warnings, []);
      assert(!existsSync(join(installed(), 'lib', 'libcudart.so.13')));
    });

    it('is not attempted if the wheel is a wrong one, or there is no Python', async () => {
      const { wheel } = await createSubstitutes();
      await installFakePip(`echo another > "$2/${wheel.file}"`);
      const wrong = await install(wheel);
      assert.equal((wrong.result as LibTorchError).code, 'ERR_SEMISUP_DOWNLOAD_HASH');
      setEnvironment({ PATH: at('nowhere') });
      const missing = await install(wheel);
      assert.match(
        (missing.result as LibTorchError).message,
        /python3 or python was not found on PATH/,
      );
      assert.deepEqual([...wrong.warnings, ...missing.warnings], []);
    });

    it('reports all failures and the remedies if they are not available either', async () => {
      const { wheel } = await createSubstitutes();
      await installFakePip('for x; do :; done; echo "ERROR: Nothing for $x" >&2; exit 1');
      const { result } = await install(wheel);
      const { message, code } = result as LibTorchError;
      assert.equal(code, 'ERR_SEMISUP_LIBTORCH_INSTALL');
      assert.match(
        message,
        /^torch-2\.13\.0\+cpu-\S+ could not be downloaded:\n- .*Nothing for torch===2\.13\.0\+cpu.*\n- .*Nothing for torch===2\.13\.0\.\n/,
      );
      assert.match(message, /SEMISUP_LIBTORCH_MIRROR[^]*LIBTORCH_USE_PYTORCH=1/);
    });
  });
});
