import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openNative } from '../../src/torch';
import { runCommand, runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

describe('semisup doctor and libtorch where', () => {
  const directory = temporaryDirectory();

  it('report no problem in a valid installation', async () => {
    const { code, stdout } = await runCommand(['doctor', '--json']);
    const findings = JSON.parse(stdout) as { name: string; ok: boolean; detail: string }[];
    assert.deepEqual(
      findings.map(({ name }) => name),
      [
        ...['semisup', 'node', 'LibTorch', 'addon', 'compiled models'],
        ...['sharp', '@napi-rs/image', 'cpu', 'GPU', 'cache'],
      ],
    );
    // The CUDA variant of LibTorch reports a problem on a machine without a GPU.
    const isCuda = !findings[2]!.detail.includes('(cpu)');
    const problems = findings.filter(({ name, ok }) => !ok && !(name === 'GPU' && isCuda));
    assert.deepEqual(problems, []);
    assert.equal(code, findings.every(({ ok }) => ok) ? 0 : 1);
  });

  it('report the instruction set of the kernels, or that oneDNN runs all convolutions', async () => {
    const { instructionSet } = await openNative();
    for (const [env, expected] of [
      [{}, instructionSet === 'none' ? null : `kernels for ${instructionSet}`],
      [{ SEMISUP_CPU: 'none' }, null],
    ] as const) {
      const { stdout } = await runCommand(['doctor', '--json'], { ...process.env, ...env });
      const findings = JSON.parse(stdout) as { name: string; detail: string }[];
      const compiled = findings.find(({ name }) => name === 'compiled models')!;
      assert.match(
        compiled.detail,
        expected === null ? /^cannot run: / : /^run, without LibTorch$/,
      );
      const { detail } = findings.find(({ name }) => name === 'cpu')!;
      assert.ok(
        detail.endsWith(`; ${expected ?? 'no kernels for it: oneDNN runs all convolutions'}`),
        detail,
      );
    }
  });

  it('report the problem and the remedy', async () => {
    const env = { ...process.env, SEMISUP_LIBTORCH: '/nowhere' };
    const doctor = await runCommand(['doctor'], env);
    const where = await runCommand(['libtorch', 'where'], env);
    assert.equal(doctor.code, 1);
    assert.match(doctor.stdout, /LibTorch does not work[^]*SEMISUP_LIBTORCH \(\/nowhere\)/);
    assert.equal(where.code, 1);
    assert.match(where.stderr, /ERR_SEMISUP_LIBTORCH_NOT_FOUND/);
  });

  it('detect incorrect results of the addon', async () => {
    const program = `
      const { Tensor } = require('./src/native');
      Tensor.prototype.dataSync = () => new Int32Array(3);
      require('./src/cli');
    `;
    const { code, stdout } = await runNode(program, ['doctor', '--json']);
    const findings = JSON.parse(stdout) as { name: string; ok: boolean; code?: string }[];
    const { ok, code: reason } = findings.find(({ name }) => name === 'addon')!;
    assert.deepEqual(
      { code, ok, reason },
      { code: 1, ok: false, reason: 'ERR_SEMISUP_LIBTORCH_MISMATCH' },
    );
  });

  it('check whether the caches are writable, and leave no files there', async () => {
    const doctor = async (home: string, env = {}) => {
      const { stdout } = await runCommand(['doctor'], { ...process.env, TORCH_HOME: home, ...env });
      return stdout;
    };
    const missing = join(directory.path, 'torch');
    const file = join(directory.path, 'file');
    await writeFile(file, '');
    assert.match(await doctor(missing), /^cache +ok .*checkpoints, not created yet$/m);
    assert.match(await doctor(file), /cache does not work\n.* could not be written: ENOTDIR/);
    const withoutLibTorch = { SEMISUP_LIBTORCH: '/nowhere', XDG_CACHE_HOME: file };
    assert.match(
      await doctor(missing, withoutLibTorch),
      /LibTorch cache does not work\n.* ENOTDIR/,
    );
    assert.deepEqual(await readdir(directory.path), ['file']);
  });

  it('report which LibTorch is used, and why', async () => {
    const { code, stdout } = await runCommand(['libtorch', 'where']);
    assert.equal(code, 0);
    assert.match(stdout, /LibTorch 2\.\d+\.\d+\S* \(\w+\), selected by: /);
  });
});
