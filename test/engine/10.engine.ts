import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { canCompile, compileProgram } from '../support/cmake-program';
import { temporaryDirectory } from '../support/temporary';

/** The precisions that an instruction set has kernels for. */
const precisions: Readonly<Record<string, readonly string[]>> = {
  avx2: ['float32', 'int8'],
  avx2_vnni: ['float32', 'int8'],
  avx512: ['float32', 'int8'],
  avx512_vnni: ['float32', 'int8'],
  avx512_bf16: ['float32', 'bfloat16', 'int8'],
  amx: ['float32', 'bfloat16', 'int8'],
};

describe('compiled networks', function () {
  this.timeout(1_800_000);
  const directory = temporaryDirectory();

  before(function () {
    if (canCompile()) return;
    this.test!.parent!.title += ' (skipped: needs CMake on Linux x64)';
    this.skip();
  });

  /** Runs the program, and returns what it prints: first the instruction set. */
  function run(program: string, env: NodeJS.ProcessEnv, ...args: string[]): string[] {
    const { status, signal, stdout, stderr } = spawnSync(
      ...[program, [join(directory.path, 'networks'), ...args]],
      { encoding: 'utf8', env: { ...process.env, ...env } },
    );
    assert.equal(status, 0, `${signal ?? ''}\n${stdout}\n${stderr}`);
    return stdout.trim().split('\n');
  }

  for (const [set, expected] of Object.entries(precisions)) {
    it(`compute the same after they are written and read: ${set}`, function () {
      const [used, ...lines] = run(compileProgram('engine', 'x64'), { SEMISUP_CPU: set });
      if (used !== set) {
        this.test!.title += ' (skipped: this processor does not have it)';
        this.skip();
      }
      assert.deepEqual(
        lines.filter((line) => line.startsWith('equal')),
        [...expected.map((precision) => `equal ${precision}`), 'equal selection, 3 of 20 steps'],
      );
    });
  }

  it('in damaged files are refused with the reason', () => {
    const refused = run(compileProgram('engine', 'x64'), {}).filter((line) =>
      line.startsWith('refused: '),
    );
    assert.equal(refused.length, 12);
  });

  it('in files with any mutations are refused, or read and write nothing outside of their memory', () => {
    const program = compileProgram('engine', 'asan', '-DSEMISUP_SANITIZE=address,undefined');
    const options = 'allocator_may_return_null=1:max_allocation_size_mb=4000';
    const last = run(program, { ASAN_OPTIONS: options }, '10000').at(-1)!;
    const [count, refused, failed, ran] = last.match(/\d+/g)!.map(Number) as [
      number,
      number,
      number,
      number,
    ];
    assert.equal(refused + failed + ran, count);
    assert.ok(count === 10_000 && refused > 1000 && ran > 100, last);
  });
});
