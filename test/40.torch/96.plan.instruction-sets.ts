import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { openNative, type InstructionSet } from '../../src/torch';
import { makeNet } from '../support/convolutions';
import { root, runNode } from '../support/run-node';
import { planExample } from '../support/plans';

/** Those of this architecture, in ascending order. */
const sets: InstructionSet[] =
  process.arch === 'x64'
    ? ['none', 'avx2', 'avx2_vnni', 'avx512', 'avx512_vnni', 'avx512_bf16', 'amx']
    : ['none', 'neon', 'neon_dot', 'neon_bf16'];

/** The tests to repeat with a set below the best one of this processor, with which all others run. */
const repeated: Partial<Record<InstructionSet, readonly string[]>> = {
  none: ['91.plan.float.ts'],
  neon: ['91.plan.float.ts'],
  neon_dot: ['93.plan.reduced-algorithms.ts'],
  avx2: ['90.plan.graphs.ts', '91.plan.float.ts', '93.plan.reduced-algorithms.ts'],
  avx2_vnni: ['93.plan.reduced-algorithms.ts'],
  avx512: ['91.plan.float.ts'],
  avx512_vnni: ['93.plan.reduced-algorithms.ts'],
  avx512_bf16: ['93.plan.reduced-algorithms.ts'],
};

/** The set in use with this `SEMISUP_CPU`. */
async function setWith(limit: InstructionSet): Promise<string> {
  const { stdout } = await runNode(
    `require('./src/torch').openNative().then(({ instructionSet }) => console.log(instructionSet));`,
    [],
    { ...process.env, SEMISUP_CPU: limit },
  );
  return stdout.trim();
}

/** Runs the tests of a file in a process with these environment variables. */
function runTests(file: string, env: NodeJS.ProcessEnv): void {
  const mocha = require.resolve('mocha/bin/mocha.js');
  const path = join('test', '40.torch', file);
  const { status, stdout } = spawnSync(process.execPath, [mocha, '--reporter', 'dot', path], {
    ...{ cwd: root, encoding: 'utf8', env: { ...process.env, ...env } },
  });
  assert.equal(status, 0, stdout);
}

describe('instruction sets', function () {
  this.timeout(300_000);
  let best: InstructionSet;
  before(async () => {
    best = (await openNative()).instructionSet;
  });

  it('are reported by plans', async () => {
    await using net = await makeNet(['return torch.conv2d(x, self.w, None)'], {
      w: [32, 16, 3, 3],
    });
    const { kind, instructionSet } = await net.plan('forward', planExample([16, 12, 12]), {
      plan: 'untuned',
    });
    assert.deepEqual({ kind, instructionSet }, { kind: 'planned', instructionSet: best });
  });

  it('of an unknown name are an error', async () => {
    const { stdout } = await runNode(
      `try { require('./src/torch').Tensor.from([1]); } catch ({ code, message }) { console.log(code, message); }`,
      [],
      { ...process.env, SEMISUP_CPU: 'AVX2' },
    );
    assert.match(
      stdout,
      /^ERR_SEMISUP_OPTION_VALUE Expected one of 'none', .* for the environment variable SEMISUP_CPU, but received 'AVX2'/,
    );
  });

  it('are lowered by SEMISUP_CPU, and never raised', async () => {
    for (const set of sets) {
      const used = sets.indexOf((await setWith(set)) as InstructionSet);
      assert.ok(used >= 0 && used <= sets.indexOf(set) && used <= sets.indexOf(best));
    }
    assert.equal(await setWith(best), best);
    assert.equal(await setWith('none'), 'none');
  });

  for (const set of sets) {
    for (const file of repeated[set] ?? []) {
      it(`compute the same: ${set}, ${file}`, async function () {
        const used = await setWith(set);
        if (used !== set || used === best) {
          this.test!.title += ` (skipped: this processor has ${best}${used === set ? '' : `, and not ${set}`})`;
          this.skip();
        }
        runTests(file, { SEMISUP_CPU: set });
      });
    }
  }

  it('compute the same with fewer threads of OpenMP than are asked for', () => {
    runTests('91.plan.float.ts', { OMP_THREAD_LIMIT: '1' });
  });
});
