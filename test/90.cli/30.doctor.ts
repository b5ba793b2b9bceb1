import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand, runNode } from '../support/run-node';
import { temporaryFolder } from '../support/temporary';

describe('semisup doctor and libtorch where', () => {
  const folder = temporaryFolder();

  it('find all in order', async () => {
    const { code, stdout } = await runCommand(['doctor', '--json']);
    const findings = JSON.parse(stdout) as { name: string; ok: boolean; detail: string }[];
    assert.deepEqual(
      findings.map(({ name }) => name),
      ['semisup', 'node', 'LibTorch', 'addon', 'cpu', 'GPU', 'cache'],
    );
    // LibTorch for GPUs is no good where there is none.
    const isForGpus = !findings[2]!.detail.includes('(cpu)');
    const wrong = findings.filter(({ name, ok }) => !ok && !(name === 'GPU' && isForGpus));
    assert.deepEqual(wrong, []);
    assert.equal(code, findings.every(({ ok }) => ok) ? 0 : 1);
  });

  it('say what is wrong and what to do', async () => {
    const env = { ...process.env, SEMISUP_LIBTORCH: '/nowhere' };
    const doctor = await runCommand(['doctor'], env);
    const where = await runCommand(['libtorch', 'where'], env);
    assert.equal(doctor.code, 1);
    assert.match(doctor.stdout, /LibTorch does not work[^]*SEMISUP_LIBTORCH \(\/nowhere\)/);
    assert.equal(where.code, 1);
    assert.match(where.stderr, /ERR_SEMISUP_LIBTORCH_NOT_FOUND/);
  });

  it('count wrong numbers as wrong', async () => {
    const program = `
      const { Tensor } = require('./src/torch');
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

  it('try whether the caches can be written, and leave nothing there', async () => {
    const doctor = async (home: string, env = {}) => {
      const { stdout } = await runCommand(['doctor'], { ...process.env, TORCH_HOME: home, ...env });
      return stdout;
    };
    const yetToBeMade = join(folder.path, 'torch');
    const file = join(folder.path, 'file');
    await writeFile(file, '');
    assert.match(await doctor(yetToBeMade), /^cache +ok .*checkpoints, not created yet$/m);
    assert.match(await doctor(file), /cache does not work\n.* could not be written: ENOTDIR/);
    const without = { SEMISUP_LIBTORCH: '/nowhere', XDG_CACHE_HOME: file };
    assert.match(await doctor(yetToBeMade, without), /LibTorch cache does not work\n.* ENOTDIR/);
    assert.deepEqual(await readdir(folder.path), ['file']);
  });

  it('tell which LibTorch was taken, and why', async () => {
    const { code, stdout } = await runCommand(['libtorch', 'where']);
    assert.equal(code, 0);
    assert.match(stdout, /LibTorch 2\.\d+\.\d+\S* \(\w+\), selected by: /);
  });
});
