import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type InstructionSet } from '../../src/native';
import { openNative, type Plan } from '../../src/torch';
import { makeNet } from '../support/convolutions';
import { planExample } from '../support/plans';
import { root, runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

/** Those of this architecture, in ascending order. */
const sets: InstructionSet[] =
  process.arch === 'x64'
    ? ['none', 'avx2', 'avx2_vnni', 'avx512', 'avx512_vnni', 'avx512_bf16', 'amx']
    : ['none', 'neon', 'neon_dot', 'neon_bf16'];

/**
 * The tests to repeat with a set below the best one of this processor, with which all others run. The sets that are
 * left out share their kernels with others.
 */
const repeated: Partial<Record<InstructionSet, readonly string[]>> = {
  none: ['91.plan.float.ts'],
  neon: ['91.plan.float.ts', '91.plan.networks.ts'],
  neon_dot: ['93.plan.reduced-algorithms.ts'],
  avx2: [
    ...['90.plan.graphs.ts', '91.plan.float.ts', '91.plan.networks.ts'],
    '93.plan.reduced-algorithms.ts',
  ],
  avx2_vnni: ['93.plan.reduced-algorithms.ts'],
  avx512_bf16: ['93.plan.reduced-algorithms.ts'],
};

/** The sets in use, by `SEMISUP_CPU`. */
const setsInUse = new Map<InstructionSet, Promise<string>>();

async function setWith(limit: InstructionSet): Promise<string> {
  if (!setsInUse.has(limit)) setsInUse.set(limit, reportedSet(limit));
  return await setsInUse.get(limit)!;
}

async function reportedSet(limit: InstructionSet): Promise<string> {
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

/** Plans a convolution in a process of its own, whose tunings are cached in `directory`; `prepare` is run first. */
async function planIn(directory: string, env: NodeJS.ProcessEnv, prepare = ''): Promise<Plan> {
  const { code, stdout, stderr } = await runNode(
    `const { openNative } = require('./src/torch');
     const { makeNet } = require('./test/support/convolutions');
     const { planExample } = require('./test/support/plans');
     void (async () => {
       const native = await openNative();
       // LibTorch may be in the cache.
       process.env.XDG_CACHE_HOME = ${JSON.stringify(directory)};
       ${prepare}
       const net = await makeNet(['return torch.conv2d(x, self.w, None, [1, 1], [1, 1])'], { w: [32, 16, 3, 3] });
       console.log(JSON.stringify(await net.plan('forward', planExample([16, 12, 12]), { plan: 'auto' })));
     })();`,
    [],
    { ...process.env, ...env },
  );
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Plan;
}

describe('instruction sets', function () {
  this.timeout(300_000);
  const directory = temporaryDirectory();
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
      `try { require('./src/native').Tensor.from([1]); } catch ({ code, message }) { console.log(code, message); }`,
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

  it('leave every convolution to oneDNN on a processor with neither AVX2 nor NEON', async () => {
    const { kind, instructionSet, choices } = await planIn(directory.path, { SEMISUP_CPU: 'none' });
    assert.deepEqual({ kind, instructionSet }, { kind: 'planned', instructionSet: 'none' });
    assert.deepEqual(choices!.latency.algorithms, ['onednn']);
    assert.deepEqual(choices!.throughput.algorithms, ['onednn']);
  });

  it('do not share their tunings, nor do models of processors or versions of LibTorch', async () => {
    const isCached = async (env: NodeJS.ProcessEnv, prepare?: string) =>
      (await planIn(directory.path, env, prepare)).reason.startsWith('The tuning was read');
    for (const [name, env, prepare] of [
      ['the best set', {}, ''],
      ['no set', { SEMISUP_CPU: 'none' }, ''],
      ['another processor', {}, `require('node:os').cpus = () => [{ model: 'Another' }];`],
      ['another LibTorch', {}, `Object.defineProperty(native, 'compiledFor', { value: '1.0.0' });`],
    ] as const) {
      if (name === 'no set' && best === 'none') continue;
      assert.equal(await isCached(env, prepare), false, name);
      assert.equal(await isCached(env, prepare), true, name);
    }
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
