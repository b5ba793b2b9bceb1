import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { canCompile, compileProgram, exists } from '../support/cmake-program';
import { root } from '../support/run-node';

/** Runs the program, and asserts that all kernels of an instruction set are right. */
function check(set: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const [program, ...args] = command as [string, ...string[]];
  const { status, signal, stdout } = spawnSync(program, args, {
    ...{ encoding: 'utf8', env: { ...process.env, ...env } },
  });
  assert.equal(status, 0, `${signal ?? ''}\n${stdout}`);
  const [first, ...lines] = stdout.trim().split('\n');
  assert.equal(first, set);
  const kernels = new Set(lines.map((line) => /^ok ((?:layer |average )?\w+)/.exec(line)?.[1]));
  const all = [
    ...['pointwise', 'direct', 'grouped', 'depthwise', 'winograd2x2', 'winograd4x4'],
    ...['activation', 'binary', 'affine', 'layer norm', 'average pool'],
  ];
  if (!['none', 'neon'].includes(set)) all.push('int8');
  if (['neon_bf16', 'avx512_bf16', 'amx'].includes(set)) all.push('bfloat16');
  // The others have no portable form.
  for (const kernel of set === 'none' ? ['search'] : [...all, 'search']) {
    assert.ok(kernels.has(kernel), kernel);
  }
}

describe('the kernels, compared with plain loops', function () {
  this.timeout(600_000);

  describe('for x64', () => {
    let program: string;
    before(function () {
      if (!canCompile()) {
        this.test!.parent!.title += ' (skipped: needs CMake on Linux x64)';
        this.skip();
      }
      program = compileProgram('kernels', 'x64');
    });

    for (const set of [
      'none',
      'avx2',
      'avx2_vnni',
      'avx512',
      'avx512_vnni',
      'avx512_bf16',
      'amx',
    ]) {
      it(`are right on this processor: ${set}`, function () {
        const env = { ...process.env, SEMISUP_CPU: set };
        const [used] = execFileSync(program, { encoding: 'utf8', env }).split('\n');
        if (used !== set) {
          this.test!.title += ' (skipped: it does not have it)';
          this.skip();
        }
        check(set, [program], { SEMISUP_CPU: set });
      });
    }

    for (const [processor, set] of [
      ['Haswell', 'avx2'],
      ['Nehalem', 'none'],
    ] as const) {
      it(`execute no instruction that an older processor lacks: ${processor}`, function () {
        if (!exists('qemu-x86_64-static')) {
          this.test!.title += ' (skipped: needs qemu-user-static)';
          this.skip();
        }
        check(set, ['qemu-x86_64-static', '-cpu', processor, program]);
      });
    }
  });

  it('for arm64, in an emulator', function () {
    if (!exists('aarch64-linux-gnu-g++') || !exists('qemu-aarch64-static')) {
      this.test!.title += ' (skipped: needs g++-aarch64-linux-gnu and qemu-user-static)';
      this.skip();
    }
    const toolchain = join(root, 'scripts', 'prebuild', 'linux-arm64.cmake');
    const program = compileProgram('kernels', 'arm64', `-DCMAKE_TOOLCHAIN_FILE=${toolchain}`);
    for (const set of ['neon', 'neon_dot', 'neon_bf16']) {
      check(set, ['qemu-aarch64-static', program], { SEMISUP_CPU: set });
    }
  });
});
