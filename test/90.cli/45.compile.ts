import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Classifier } from '../../src';
import { openEngine } from '../../src/native';
import { saveGeneratedModel } from '../support/generated-model';
import { root, runCommand } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

const clock = join(root, 'examples', 'clock.jpg');

describe('semisup compile', function () {
  this.timeout(300_000);
  const directory = temporaryDirectory();
  let torchScript: string;

  beforeEach(async () => {
    torchScript = await saveGeneratedModel(join(directory.path, 'model.pt'), 'resnet18');
  });

  it('writes a compiled model, which semisup classify runs without LibTorch', async () => {
    const output = join(directory.path, 'model.semisup');
    const compiled = await runCommand(['compile', torchScript, '--output', output, '--json']);
    assert.deepEqual({ code: compiled.code, stderr: compiled.stderr }, { code: 0, stderr: '' });
    assert.deepEqual(JSON.parse(compiled.stdout), { model: torchScript, path: output });
    const env = { ...process.env, SEMISUP_LIBTORCH: '/nowhere' };
    const { code, stdout, stderr } = await runCommand(
      ['classify', clock, '--model', output, '--json'],
      env,
    );
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /"score"/);
  });

  it('compiles for several instruction sets into one file', async function () {
    const { instructionSet } = openEngine();
    if (process.arch !== 'x64' || instructionSet === 'none' || instructionSet === 'avx2') {
      this.test!.title += ' (skipped: needs a processor with more than AVX2)';
      this.skip();
    }
    const output = join(directory.path, 'model.semisup');
    const sets = `avx2,${instructionSet}`;
    const flags = ['--precision', 'int8', '--calibration', clock, clock, '--cpu', sets];
    const { code, stdout } = await runCommand(['compile', torchScript, '-o', output, ...flags]);
    assert.deepEqual([code, stdout.trim()], [0, output]);
    await using here = await Classifier.open(output);
    assert.equal(here.plan.reason.split(' by ')[0], `It was compiled for ${instructionSet}`);
    const [best] = await here.classify(clock);
    const env = { ...process.env, SEMISUP_CPU: 'avx2' };
    const lowered = await runCommand(['classify', clock, '--model', output, '--json'], env);
    assert.equal(lowered.code, 0, lowered.stderr);
    assert.match(lowered.stdout, new RegExp(`"label": "${best!.label}"`));
  });

  it('rejects instruction sets that the processor does not have, and leaves no file', async () => {
    const output = join(directory.path, 'model.semisup');
    const { instructionSet } = openEngine();
    const missing = instructionSet === 'amx' ? 'neon' : 'amx';
    for (const [set, message] of [
      [missing, /does not have the instruction set|Expected one of/],
      ['avx3', /Expected one of .* for the environment variable SEMISUP_CPU, but received 'avx3'/],
    ] as const) {
      const { code, stderr } = await runCommand([
        'compile',
        torchScript,
        '-o',
        output,
        '--cpu',
        set,
      ]);
      assert.equal(code, 2);
      assert.match(stderr, message);
      await assert.rejects(stat(output));
    }
  });
});
