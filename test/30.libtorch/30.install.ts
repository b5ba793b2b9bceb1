import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { installLibTorch } from '../../src/libtorch/install';
import { findLibTorch, findLibTorchSync, type InstallProgress } from '../../src/libtorch';
import { failure, namesIn } from '../support/download';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { libTorchFiles, wheelFiles, writeFiles, writeWheel } from '../support/fake-libtorch';
import { file, sha256, status, TestServer } from '../support/http-server';
import { runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

describe('installLibTorch', () => {
  const server = new TestServer();
  const directory = temporaryDirectory();
  const at = (...path: string[]) => join(directory.path, ...path);
  const installed = () => at('cache', 'semisup', 'libtorch', '2.13.0-cpu');

  temporaryEnvironment(() => ({
    XDG_CACHE_HOME: at('cache'),
    SEMISUP_LIBTORCH: undefined,
    LIBTORCH: undefined,
    LIBTORCH_USE_PYTORCH: undefined,
    SEMISUP_OFFLINE: undefined,
    SEMISUP_LIBTORCH_MIRROR: `${server.origin}/mirror`,
    // Hides any pip that could download the real LibTorch.
    PATH: at('bin'),
  }));

  it('extracts only the required files', async () => {
    const wheel = await writeWheel(directory.path);
    server.handler = file(wheel.bytes);
    assert.deepEqual(await installLibTorch({}, [wheel]), {
      dir: installed(),
      version: '2.13.0',
      variant: 'cpu',
      headers: false,
    });
    assert.deepEqual(
      server.requests.map(({ url }) => url),
      ['/mirror/torch-2.13.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl'],
    );
    assert.deepEqual(await namesIn(installed()), ['lib', 'licenses', 'version.py']);
    assert.deepEqual(await namesIn(join(installed(), 'lib')), [
      ...['libc10.so', 'libgomp.so.1', 'libtorch_cpu.so'],
    ]);
    assert.equal(await readFile(join(installed(), 'lib', 'libc10.so'), 'utf8'), 'c10');
  });

  it('installs into a directory of its own for another platform', async () => {
    const wheel = await writeWheel(directory.path);
    server.handler = file(wheel.bytes);
    const other = at('linux-arm64');
    assert.equal((await installLibTorch({ dir: other, headers: true }, [wheel])).dir, other);
    assert.deepEqual(await namesIn(other), ['include', 'lib', 'licenses', 'version.py']);
    assert.ok(!existsSync(installed()));
  });

  it('leaves no temporary files next to the directory', async () => {
    const wheel = await writeWheel(directory.path);
    server.handler = file(wheel.bytes);
    await installLibTorch({}, [wheel]);
    assert.deepEqual(await namesIn(dirname(installed())), ['2.13.0-cpu']);
  });

  it('neither uses nor completes a LibTorch that another user could have written', async function () {
    if (process.platform === 'win32') {
      this.test!.title += ' (skipped: Windows has no such permissions)';
      this.skip();
    }
    const wheel = await writeWheel(directory.path);
    server.handler = file(wheel.bytes);
    const { dir } = await installLibTorch({}, [wheel]);
    const library = join(dir, 'lib', 'libc10.so');
    for (const path of [at('cache'), dir, join(dir, 'lib'), library]) {
      const { mode } = await stat(path);
      await chmod(path, 0o777);
      for (const attempt of [findLibTorch, () => installLibTorch({}, [wheel])]) {
        assert.equal((await failure(attempt(), 'CACHE_UNSAFE')).value, path);
      }
      assert.throws(() => findLibTorchSync(), { code: 'ERR_SEMISUP_CACHE_UNSAFE' });
      await chmod(path, mode);
    }
    assert.equal((await findLibTorch()).dir, dir);
    // A directory that the user names is the user's affair.
    await chmod(library, 0o666);
    assert.equal((await findLibTorch({ chosen: dir })).dir, dir);
    await rm(dir, { recursive: true });
    await chmod(dirname(dir), 0o777);
    await failure(installLibTorch({}, [wheel]), 'CACHE_UNSAFE');
    assert.deepEqual(await namesIn(dirname(dir)), []);
  });

  it('removes what killed installations left', async () => {
    const wheel = await writeWheel(directory.path);
    server.handler = file(wheel.bytes);
    await mkdir(join(`${installed()}.new`, 'lib'), { recursive: true });
    await mkdir(`${join(dirname(installed()), wheel.file)}.pip`);
    await writeFile(`${join(dirname(installed()), wheel.file)}.part.json`, '{}');
    await installLibTorch({}, [wheel]);
    assert.deepEqual(await namesIn(dirname(installed())), ['2.13.0-cpu']);
  });

  it('installs only once, after which LibTorch is found', async () => {
    const wheel = await writeWheel(directory.path);
    server.handler = file(wheel.bytes);
    await Promise.all([installLibTorch({}, [wheel]), installLibTorch({}, [wheel])]);
    await installLibTorch({}, [wheel]);
    assert.equal(server.requests.length, 1);
    assert.equal((await findLibTorch()).dir, installed());
  });

  it('adds the headers to an existing installation on request', async () => {
    const wheel = await writeWheel(directory.path);
    server.handler = file(wheel.bytes);
    assert.equal((await installLibTorch({}, [wheel])).headers, false);
    await writeFile(join(installed(), 'lib', 'libc10.so'), 'kept');
    assert.equal((await installLibTorch({ headers: true }, [wheel])).headers, true);
    assert.equal(await readFile(join(installed(), 'lib', 'libc10.so'), 'utf8'), 'kept');
    assert(existsSync(join(installed(), 'include', 'ATen', 'ATen.h')));
    await installLibTorch({ headers: true }, [wheel]);
    assert.equal(server.requests.length, 2);
    assert.deepEqual(await namesIn(dirname(installed())), ['2.13.0-cpu']);
  });

  it('extracts the libraries of all wheels into one directory', async () => {
    const torch = await writeWheel(directory.path);
    const nvidia = await writeWheel(
      directory.path,
      {
        'nvidia/cudnn/lib/libcudnn.so.9': 'cudnn',
        'nvidia/cudnn/include/cudnn.h': '',
        'nvidia/cudnn/__init__.py': '',
        'nvidia_cudnn-9.dist-info/License.txt': 'NVIDIA',
      },
      'nvidia_cudnn-9-py3-none-manylinux_2_27_x86_64.whl',
    );
    server.handler = (request, ...rest) => {
      file(request.url!.includes('nvidia') ? nvidia.bytes : torch.bytes)(request, ...rest);
    };
    const { dir } = await installLibTorch({ variant: 'cu130' }, [torch, nvidia]);
    assert.deepEqual(await namesIn(join(dir, 'lib')), [
      ...['libc10.so', 'libcudnn.so.9', 'libgomp.so.1', 'libtorch_cpu.so', 'libtorch_cuda.so'],
    ]);
    assert.deepEqual(await namesIn(join(dir, 'licenses')), [
      ...['nvidia_cudnn-9.txt', 'torch-2.13.0+cpu.txt'],
    ]);
  });

  it('installs the CUDA headers only together with the LibTorch headers', async () => {
    const torch = await writeWheel(directory.path);
    const toolkit = await writeWheel(
      directory.path,
      { 'nvidia/cu13/include/crt/host_config.h': '' },
      'nvidia_cuda_crt-13-py3-none-manylinux_2_17_x86_64.whl',
    );
    server.handler = (request, ...rest) => {
      file(request.url!.includes('nvidia') ? toolkit.bytes : torch.bytes)(request, ...rest);
    };
    const wheels = [torch, toolkit];
    const { dir } = await installLibTorch({ variant: 'cu130' }, wheels);
    assert.equal(server.requests.length, 1);
    const header = join(dir, 'include', 'crt', 'host_config.h');
    await installLibTorch({ variant: 'cu130', headers: true }, wheels);
    assert.ok(existsSync(header));
    // Earlier versions installed LibTorch's headers without CUDA's.
    await rm(dirname(header), { recursive: true });
    await installLibTorch({ variant: 'cu130', headers: true }, wheels);
    assert.ok(existsSync(header));
    const requests = server.requests.length;
    await installLibTorch({ variant: 'cu130', headers: true }, wheels);
    assert.equal(server.requests.length, requests);
  });

  it('reports the total size, then the progress', async () => {
    const wheel = await writeWheel(directory.path);
    server.handler = file(wheel.bytes);
    const events: InstallProgress[] = [];
    await installLibTorch({ onProgress: (event) => events.push(event) }, [wheel]);
    const total = wheel.size;
    assert.deepEqual(events[0], { phase: 'fetch', file: wheel.file, received: 0, total });
    const lastFetch = events.filter(({ phase }) => phase === 'fetch').at(-1);
    assert.deepEqual(lastFetch, { phase: 'fetch', file: wheel.file, received: total, total });
    const last = events.at(-1)!;
    assert.equal(last.phase, 'unpack');
    assert.equal(last.received, last.total);
  });

  it('rejects a wheel whose hash differs without falling back to pip', async () => {
    const wheel = await writeWheel(directory.path);
    server.handler = file(Buffer.from(wheel.bytes).fill(0, 40, 41));
    await failure(installLibTorch({}, [wheel]), 'DOWNLOAD_HASH');
    assert.deepEqual(await namesIn(dirname(installed())), []);
  });

  it('rejects a wheel with an incomplete LibTorch or another version', async () => {
    for (const [files, problem] of [
      [{ 'torch/lib/libc10.so': '' }, /does not contain torch_cpu/],
      [{ ...wheelFiles, 'torch/version.py': "__version__ = '2.12.0'" }, /it is LibTorch 2\.12\.0/],
    ] as const) {
      const wheel = await writeWheel(directory.path, files);
      server.handler = file(wheel.bytes);
      const error = await failure(installLibTorch({}, [wheel]), 'LIBTORCH_INSTALL');
      assert.match(error.message, problem);
      assert(!existsSync(installed()));
    }
  });

  it('replaces a damaged installation only after the new one is complete', async () => {
    await writeFiles(installed(), { 'version.py': 'damaged' });
    const wheel = await writeWheel(directory.path);
    setEnvironment({ SEMISUP_OFFLINE: '1' });
    await failure(installLibTorch({}, [wheel]), 'DOWNLOAD_OFFLINE');
    assert.deepEqual(await namesIn(installed()), ['version.py']);
    setEnvironment({ SEMISUP_OFFLINE: undefined });
    server.handler = file(wheel.bytes);
    assert.equal((await installLibTorch({}, [wheel])).version, '2.13.0');
  });

  it('installs into a directory of choice', async () => {
    const wheel = await writeWheel(directory.path);
    server.handler = file(wheel.bytes);
    const dir = at('app', 'libtorch');
    assert.equal((await installLibTorch({ dir }, [wheel])).dir, dir);
    assert.deepEqual(await namesIn(dir), ['lib', 'licenses', 'version.py']);
    assert.deepEqual(await namesIn(at('app')), ['libtorch']);
    assert.equal((await installLibTorch({ dir }, [wheel])).version, '2.13.0');
    assert.equal(server.requests.length, 1);
    assert(!existsSync(at('cache')));
    await mkdir(at('empty'));
    await installLibTorch({ dir: at('empty') }, [wheel]);
  });

  it('does not replace other files in a directory of choice', async () => {
    const wheel = await writeWheel(directory.path);
    server.handler = file(wheel.bytes);
    const older = { ...libTorchFiles, 'version.py': "__version__ = '2.12.0'" };
    const cuda = { 'version.py': "__version__ = '2.13.0+cu130'", 'lib/libtorch_cuda.so': '' };
    const cases = [
      [{ 'letter.txt': 'Dear' }, /it contains other files/],
      [older, /it contains LibTorch 2\.12\.0 \(cpu\)/],
      [{ ...libTorchFiles, ...cuda }, /it contains LibTorch 2\.13\.0 \(cu130\)/],
    ] as const;
    for (const [index, [files, problem]] of cases.entries()) {
      const dir = await writeFiles(at(`directory-${index}`), files);
      const error = await failure(installLibTorch({ dir }, [wheel]), 'OPTION_VALUE');
      assert.match(error.message, problem);
      for (const name of Object.keys(files)) assert(existsSync(join(dir, name)));
    }
    await writeFiles(directory.path, { file: '' });
    await failure(installLibTorch({ dir: at('file') }, [wheel]), 'OPTION_VALUE');
    assert.equal(server.requests.length, 0);
  });

  it('downloads once for several processes', async () => {
    const { bytes, ...wheel } = await writeWheel(directory.path);
    server.handler = file(bytes);
    const program = `require('./src/libtorch/install').installLibTorch({}, ${JSON.stringify([wheel])})
      .then(({ dir }) => console.log(dir))`;
    const outputs = await Promise.all([1, 2, 3].map(() => runNode(program)));
    assert.deepEqual(
      outputs.map(({ stdout }) => stdout.trim()),
      Array<string>(3).fill(installed()),
    );
    assert.equal(server.requests.length, 1);
  });

  it('resumes an interrupted download', async () => {
    const wheel = await writeWheel(directory.path);
    const abort = new AbortController();
    server.handler = (request, response) => {
      file(wheel.bytes, { cut: 100 })(request, response, 0);
      setTimeout(() => {
        abort.abort(new Error('enough'));
      }, 50);
    };
    await assert.rejects(installLibTorch({ signal: abort.signal }, [wheel]), /enough/);
    assert(!existsSync(installed()));
    server.handler = file(wheel.bytes);
    await installLibTorch({}, [wheel]);
    assert.equal(server.requests.at(-1)!.headers.range, 'bytes=100-');
  });

  it('stops extraction on abort and removes partial files', async () => {
    const wheel = await writeWheel(directory.path);
    server.handler = file(wheel.bytes);
    const abort = new AbortController();
    const onProgress = ({ phase }: InstallProgress) => {
      if (phase === 'unpack') abort.abort(new Error('enough'));
    };
    await assert.rejects(installLibTorch({ signal: abort.signal, onProgress }, [wheel]), /enough/);
    assert.deepEqual(await namesIn(dirname(installed())), [wheel.file]);
    await installLibTorch({}, [wheel]);
    assert.equal(server.requests.length, 1, 'the wheel is reused');
  });

  it('reports a directory that is not writable', async () => {
    const wheel = await writeWheel(directory.path);
    await symlink('/proc/nowhere', at('cache'));
    const error = await failure(installLibTorch({}, [wheel]), 'DOWNLOAD_DISK');
    assert.match(error.message, /cache/);
  });

  it('reports every attempted source if none provides the wheel', async () => {
    const wheel = await writeWheel(directory.path);
    server.handler = status(404);
    const error = await failure(installLibTorch({}, [wheel]), 'LIBTORCH_INSTALL');
    assert.match(error.message, /responded with status 404/);
    assert.match(error.message, /python3 or python was not found on PATH/);
    assert.match(error.message, /SEMISUP_LIBTORCH_MIRROR/);
    assert((error.cause as AggregateError).errors.length === 2);
  });

  const hostile: Record<string, string> = {
    'escape the directory': 'torch/include/../../../../../../evil',
    'are absolute': '/torch/include/evil',
    'contain backslashes': 'torch/include/..\\..\\evil',
    'contain a drive letter': 'C:/torch/include/evil',
  };
  for (const [title, name] of Object.entries(hostile)) {
    it(`rejects a wheel whose file names ${title}`, async () => {
      const wheel = await writeWheel(directory.path, { ...wheelFiles, [name]: 'evil' });
      server.handler = file(wheel.bytes);
      const error = await failure(installLibTorch({ headers: true }, [wheel]), 'LIBTORCH_INSTALL');
      assert.match(error.message, /could not be unpacked: (invalid|absolute|invalid relative)/);
      assert(!existsSync(installed()));
      assert(!existsSync(at('evil')) && !existsSync(at('cache', 'evil')));
    });
  }

  it('rejects a wheel with a member whose CRC-32 differs', async () => {
    const wheel = await writeWheel(directory.path);
    const damaged = Buffer.from(wheel.bytes);
    damaged[damaged.indexOf('torch_cpu.sotorch_cpu') + 'torch_cpu.so'.length]! ^= 1;
    server.handler = file(damaged);
    const pin = { ...wheel, sha256: sha256(damaged) };
    const error = await failure(installLibTorch({}, [pin]), 'LIBTORCH_INSTALL');
    assert.match(error.message, /the CRC-32 of torch\/lib\/libtorch_cpu\.so is wrong/);
    assert(!existsSync(installed()));
  });

  it('rejects a wheel that is not a zip archive', async () => {
    const bytes = Buffer.from('no zip at all');
    const pin = { file: 'torch-2.13.0-x.whl', size: bytes.length, sha256: sha256(bytes) };
    server.handler = file(bytes);
    const error = await failure(installLibTorch({}, [pin]), 'LIBTORCH_INSTALL');
    assert.match(error.message, /could not be unpacked/);
  });
});
