import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { LibTorchError } from '../../src/errors';
import { findLibTorch, findLibTorchSync, userCache, type FindOptions } from '../../src/libtorch';
import { librariesToOpen } from '../../src/libtorch/libraries';
import { failure } from '../support/download';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { libTorchFiles, writeFiles } from '../support/fake-libtorch';
import { temporaryDirectory } from '../support/temporary';

describe('findLibTorch', () => {
  const directory = temporaryDirectory();
  const at = (...path: string[]) => join(directory.path, ...path);
  const inCache = (variant: string) => at('cache', 'semisup', 'libtorch', `2.13.0-${variant}`);
  const libTorch = (dir: string, files = {}) => writeFiles(dir, { ...libTorchFiles, ...files });

  temporaryEnvironment(() => ({
    XDG_CACHE_HOME: at('cache'),
    SEMISUP_LIBTORCH: undefined,
    LIBTORCH: undefined,
    LIBTORCH_USE_PYTORCH: undefined,
    PATH: at('bin'),
  }));

  /** Creates a `python3` on PATH that runs `script`. */
  async function python(script: string): Promise<void> {
    await writeFiles(at('bin'), { python3: `#!/bin/sh\n${script}\n` });
    await chmod(at('bin', 'python3'), 0o755);
    setEnvironment({ LIBTORCH_USE_PYTORCH: '1' });
  }

  it('prefers the option, then SEMISUP_LIBTORCH, LIBTORCH, the cache and Python', async () => {
    await python(`echo ${await libTorch(at('python', 'torch'))}`);
    await libTorch(inCache('cpu'));
    setEnvironment({
      SEMISUP_LIBTORCH: await libTorch(at('a')),
      LIBTORCH: await libTorch(at('b')),
    });
    const option = await libTorch(at('option'));

    const results: [string, string][] = [];
    const find = async (options?: FindOptions) => {
      const found = await findLibTorch(options);
      assert.deepEqual(findLibTorchSync(options), found);
      results.push([found.source, found.dir]);
    };
    await find({ chosen: option });
    await find();
    setEnvironment({ SEMISUP_LIBTORCH: undefined });
    await find();
    setEnvironment({ LIBTORCH: '' });
    await find();
    setEnvironment({ XDG_CACHE_HOME: at('empty') });
    await find();
    assert.deepEqual(results, [
      ['libtorch.use()', option],
      ['SEMISUP_LIBTORCH', at('a')],
      ['LIBTORCH', at('b')],
      ["the user's cache", inCache('cpu')],
      ["the active Python's PyTorch", at('python', 'torch')],
    ]);
  });

  it('prefers the CUDA variant in the cache over the CPU variant', async () => {
    await libTorch(inCache('cpu'));
    await libTorch(inCache('cu130'));
    assert.equal((await findLibTorch()).dir, inCache('cu130'));
  });

  it('reports the skipped locations and the reasons', async () => {
    await libTorch(inCache('cpu'));
    assert.deepEqual((await findLibTorch()).rejected, [
      { source: 'libtorch.use()', dir: undefined, problem: 'not called' },
      { source: 'SEMISUP_LIBTORCH', dir: undefined, problem: 'not set' },
      { source: 'LIBTORCH', dir: undefined, problem: 'not set' },
      {
        source: "the user's cache",
        dir: inCache('cu130'),
        problem: 'the directory does not exist',
      },
    ]);
  });

  it('rejects a configured directory that does not exist and stops the search', async () => {
    await libTorch(inCache('cpu'));
    setEnvironment({ SEMISUP_LIBTORCH: at('nowhere') });
    const { message } = await failure(findLibTorch(), 'LIBTORCH_NOT_FOUND');
    assert(message.includes(`SEMISUP_LIBTORCH (${at('nowhere')}): the directory does not exist`));
    assert(!message.includes('cache'));
    assert.throws(() => findLibTorchSync(), { code: 'ERR_SEMISUP_LIBTORCH_NOT_FOUND', message });
  });

  it('reports what is missing from a directory', async () => {
    await writeFiles(at('a'), { 'lib/libc10.so': '', 'version.py': "__version__ = '2.13.0'" });
    await writeFiles(at('b'), { 'lib/libc10.so': '', 'lib/libtorch_cpu.so': '' });
    const a = await failure(findLibTorch({ chosen: at('a') }), 'LIBTORCH_NOT_FOUND');
    assert.match(a.message, /its lib directory does not contain torch_cpu/);
    const b = await failure(findLibTorch({ chosen: at('b') }), 'LIBTORCH_NOT_FOUND');
    assert.match(b.message, /its version is in neither version\.py, build-version nor include/);
  });

  it('reports every location and the possible solutions if nothing is found', async () => {
    const { message, value } = await failure(findLibTorch(), 'LIBTORCH_NOT_FOUND');
    for (const line of [
      '- libtorch.use(): not called',
      '- SEMISUP_LIBTORCH: not set',
      '- LIBTORCH: not set',
      `- the user's cache (${inCache('cu130')}): the directory does not exist`,
      `- the user's cache (${inCache('cpu')}): the directory does not exist`,
      "- the active Python's PyTorch: not searched, because LIBTORCH_USE_PYTORCH is not 1",
      '- set LIBTORCH_USE_PYTORCH=1 to use the PyTorch of the active Python',
      "- set SEMISUP_LIBTORCH to a LibTorch directory, the one that contains 'lib'",
    ]) {
      assert(message.split('\n').includes(line), `${line}\nis missing in\n${message}`);
    }
    assert(Array.isArray(value) && value.length === 6);
  });

  it('reports why it could not use Python', async () => {
    setEnvironment({ LIBTORCH_USE_PYTORCH: '1' });
    const absent = await failure(findLibTorch(), 'LIBTORCH_NOT_FOUND');
    assert.match(absent.message, /Python's PyTorch: python3 was not found; python was not found\n/);
    await python('echo');
    const without = await failure(findLibTorch(), 'LIBTORCH_NOT_FOUND');
    assert.match(without.message, /Python's PyTorch: python3 has no torch package\n/);
    await python('exit 3');
    const broken = await failure(findLibTorch(), 'LIBTORCH_NOT_FOUND');
    assert.match(broken.message, /Python's PyTorch: python3 failed; python was not found\n/);
  });
});

describe('LibTorch version', () => {
  const directory = temporaryDirectory();
  const libraries = { 'lib/libc10.so': '', 'lib/libtorch_cpu.so': '' };
  const cuda = { 'lib/libtorch_cuda.so': '' };

  const manifests: [string, Record<string, string>, string, string][] = [
    ['a CPU wheel', { 'version.py': "__version__ = '2.13.0+cpu'" }, '2.13.0', 'cpu'],
    [
      'a CUDA wheel',
      { 'version.py': "__version__ = '2.11.0'\ncuda: Optional[str] = '13.0'", ...cuda },
      '2.11.0',
      'cu130',
    ],
    [
      'the CPU libraries of a CUDA wheel',
      { 'version.py': "__version__ = '2.13.0+cu130'\ncuda: Optional[str] = '13.0'" },
      '2.13.0',
      'cpu',
    ],
    ['a zip', { 'build-version': '2.14.1+cu126\n', ...cuda }, '2.14.1', 'cu126'],
    [
      'headers',
      {
        'include/torch/headeronly/version.h':
          '#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 12\n#define TORCH_VERSION_PATCH 1\n',
      },
      '2.12.1',
      'cpu',
    ],
    [
      'older headers',
      {
        'include/torch/csrc/api/include/torch/version.h':
          '#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 9\n#define TORCH_VERSION_PATCH 0\n',
      },
      '2.9.0',
      'cpu',
    ],
  ];
  for (const [title, files, version, variant] of manifests) {
    it(`is read from ${title}`, async () => {
      const libtorch = await writeFiles(directory.path, { ...libraries, ...files });
      const found = await findLibTorch({ chosen: libtorch });
      assert.deepEqual([found.version, found.variant], [version, variant]);
    });
  }

  it('must match the major and minor version that the addon was built for', async () => {
    const libtorch = await writeFiles(directory.path, libTorchFiles);
    assert.equal(
      (await findLibTorch({ chosen: libtorch, versions: ['2.11', '2.13'] })).version,
      '2.13.0',
    );
    const error = await failure(
      findLibTorch({ chosen: libtorch, versions: ['2.11', '2.1'] }),
      'LIBTORCH_MISMATCH',
    );
    assert(error instanceof LibTorchError);
    assert(
      error.message.includes(
        `(${libtorch}): it is LibTorch 2.13.0, but the addon is built for 2.11 or 2.1`,
      ),
    );
  });
});

describe('userCache', () => {
  temporaryEnvironment(() => ({ XDG_CACHE_HOME: undefined, LOCALAPPDATA: '/local' }));

  it('returns the platform cache directory of the user', () => {
    assert.equal(userCache('linux'), join(homedir(), '.cache', 'semisup'));
    assert.equal(userCache('darwin'), join(homedir(), 'Library', 'Caches', 'semisup'));
    assert.equal(userCache('win32'), join('/local', 'semisup'));
  });

  it('uses XDG_CACHE_HOME if it is absolute', () => {
    setEnvironment({ XDG_CACHE_HOME: '/elsewhere' });
    assert.equal(userCache('linux'), join('/elsewhere', 'semisup'));
    setEnvironment({ XDG_CACHE_HOME: 'relative' });
    assert.equal(userCache('linux'), join(homedir(), '.cache', 'semisup'));
  });
});

describe('librariesToOpen', () => {
  const directory = temporaryDirectory();

  async function order(...files: string[]): Promise<string[]> {
    for (const file of files) await writeFile(join(directory.path, file), '');
    return librariesToOpen(directory.path).map((path) => path.slice(directory.path.length + 1));
  }

  it('orders libraries after their dependencies', async () => {
    assert.deepEqual(
      await order('libtorch_cpu.so', 'libtorch.so', 'libgomp.so.1', 'libc10.so', 'libshm.so'),
      ['libgomp.so.1', 'libc10.so', 'libtorch_cpu.so'],
    );
  });

  it('includes the CUDA libraries, without which LibTorch silently disables CUDA', async () => {
    assert.deepEqual(
      await order(
        ...['libtorch_cuda.so', 'libc10_cuda.so', 'libtorch_cpu.so', 'libc10.so', 'libcudnn.so.9'],
        ...['libcupti.so.13', 'libcudart-1a2b3c.so.13', 'libgomp-1a2b3c.so.1'],
        ...[
          'libnvrtc-builtins.so.13.0',
          'libnvrtc-builtins.alt.so.13.0',
          'libtorch_cuda_linalg.so',
        ],
      ),
      [
        ...['libgomp-1a2b3c.so.1', 'libc10.so', 'libcudart-1a2b3c.so.13', 'libcupti.so.13'],
        ...['libnvrtc-builtins.so.13.0', 'libtorch_cpu.so', 'libc10_cuda.so', 'libtorch_cuda.so'],
      ],
    );
  });

  it('recognizes the library names of macOS and Windows', async () => {
    assert.deepEqual(await order('libtorch_cpu.dylib', 'libomp.dylib', 'libc10.dylib'), [
      ...['libomp.dylib', 'libc10.dylib', 'libtorch_cpu.dylib'],
    ]);
    assert.deepEqual(
      (await order('torch_cpu.dll', 'torch_cpu.lib', 'c10.dll', 'libiomp5md.dll')).filter((file) =>
        /dll|\.lib$/.test(file),
      ),
      ['libiomp5md.dll', 'c10.dll', 'torch_cpu.dll'],
    );
  });
});
