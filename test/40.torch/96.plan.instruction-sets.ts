import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { openNative, type InstructionSet } from '../../src/torch';
import { makeNet } from '../support/convolutions';
import { root, runNode } from '../support/run-node';
import { planExample } from '../support/plans';

/** The sets below the best one of this processor, which all other tests run with. */
const lowerSets: InstructionSet[] =
  process.arch === 'x64' ? ['none', 'avx2', 'avx512', 'avx512_vnni', 'avx512_bf16'] : ['none'];

/** The tests to repeat with a set: AVX-512's differ in int8 and bfloat16 only. */
const filesOf = (set: InstructionSet) => {
  if (set === 'avx2') return ['90.plan.graphs.ts', '91.plan.float.ts'];
  const isDot = set === 'avx512_vnni' || set === 'avx512_bf16';
  return [isDot ? '93.plan.reduced-algorithms.ts' : '91.plan.float.ts'];
};

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
    const order = ['none', 'avx2', 'avx512', 'avx512_vnni', 'avx512_bf16', 'amx'];
    for (const set of process.arch === 'x64' ? order : ['none']) {
      const { stdout } = await runNode(
        `require('./src/torch').openNative().then(({ instructionSet }) => console.log(instructionSet));`,
        [],
        { ...process.env, SEMISUP_CPU: set },
      );
      const expected = order.indexOf(set) < order.indexOf(best) ? set : best;
      assert.equal(stdout, `${expected}\n`);
    }
  });

  for (const set of lowerSets) {
    for (const file of filesOf(set)) {
      it(`compute the same: ${set}, ${file}`, function () {
        const order = [...lowerSets, 'amx'];
        if (order.indexOf(best) <= order.indexOf(set)) {
          this.test!.title += ` (skipped: this processor has ${best})`;
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
