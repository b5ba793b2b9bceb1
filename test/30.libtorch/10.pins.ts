import assert from 'node:assert/strict';
import { LibTorchError } from '../../src/errors';
import { pinnedVersion, wheelsOf } from '../../src/libtorch';
import { wheels } from '../../src/libtorch/wheels';

describe('pinned wheels', () => {
  const all = Object.values(wheels)
    .flatMap((builds) => Object.values(builds))
    .flat();

  it('cover Linux, macOS and Windows', () => {
    assert.deepEqual(Object.keys(wheels), [
      'linux-x64',
      'linux-arm64',
      'darwin-arm64',
      'win32-x64',
    ]);
  });

  it('each have a SHA-256, a size and a wheel file name', () => {
    for (const { file, sha256, size } of all) {
      assert.match(file, /^[\w.]+-[\w.+]+-(cp311-cp311|py3-none)-[\w.]+\.whl$/);
      assert.match(sha256, /^[0-9a-f]{64}$/, file);
      assert(Number.isSafeInteger(size) && size > 1e5, file);
    }
  });

  it('have the pinned version', () => {
    const torch = all.filter(({ file }) => file.startsWith('torch-'));
    assert(torch.length >= 6);
    for (const { file } of torch) assert.equal(file.split(/[-+]/)[1], pinnedVersion);
  });

  it('have one hash per file', () => {
    const hashes = new Map(all.map(({ file, sha256 }) => [file, sha256]));
    assert.equal(new Set(hashes.values()).size, hashes.size);
  });

  it('of the CPU variant are much smaller than those of the CUDA variant', () => {
    const bytes = (variant: 'cpu' | 'cu130') =>
      wheelsOf(variant, 'linux', 'x64').reduce((sum, { size }) => sum + size, 0);
    assert.equal(bytes('cpu'), 191_794_682);
    assert(bytes('cu130') > 2e9);
  });

  it('are substituted on Linux x64 by the CPU libraries of the CUDA build', () => {
    const [wheel] = wheelsOf('cpu', 'linux', 'x64');
    const names = wheel!.substitutes?.map(({ file }) => file.split('-')[0]);
    assert.deepEqual(names, ['torch', 'nvidia_cuda_cupti', 'nvidia_cuda_runtime']);
    const cuda = wheelsOf('cu130', 'linux', 'x64');
    assert(wheel!.substitutes!.every((substitute) => cuda.includes(substitute)));
  });

  it('for an unsupported platform are rejected with the supported ones', () => {
    for (const [variant, platform, arch] of [
      ['cpu', 'linux', 'riscv64'],
      ['cu130', 'darwin', 'arm64'],
    ] as const) {
      assert.throws(
        () => wheelsOf(variant, platform, arch),
        (error: LibTorchError) =>
          error.code === 'ERR_SEMISUP_PLATFORM' &&
          error.message.includes(`${variant} for ${platform}-${arch}`) &&
          error.message.includes('not available') &&
          error.message.includes('linux-x64 (cpu, cu130)'),
      );
    }
  });
});
