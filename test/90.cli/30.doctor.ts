import assert from 'node:assert/strict';
import { runCommand } from '../support/run-node';

describe('semisup doctor and libtorch where', () => {
  it('find all in order', async () => {
    const { code, stdout } = await runCommand(['doctor', '--json']);
    const findings = JSON.parse(stdout) as { name: string; ok: boolean }[];
    assert.equal(code, 0);
    assert.deepEqual(
      findings.map(({ name, ok }) => [name, ok]),
      ['semisup', 'node', 'LibTorch', 'addon', 'cpu', 'cache'].map((name) => [name, true]),
    );
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

  it('tell which LibTorch was taken, and why', async () => {
    const { code, stdout } = await runCommand(['libtorch', 'where']);
    assert.equal(code, 0);
    assert.match(stdout, /LibTorch 2\.\d+\.\d+\S* \(\w+\), taken because of: /);
  });
});
