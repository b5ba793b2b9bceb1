import assert from 'node:assert/strict';
import { join } from 'node:path';
import { runExample } from '../support/run-node';
import { saveNet } from '../support/slot-models';
import { temporaryDirectory } from '../support/temporary';
import { fixture } from '../support/torchscript';

describe('examples/own-module.mjs', () => {
  const directory = temporaryDirectory();
  const run = (...args: string[]) => runExample('own-module.mjs', args);

  it('prints the methods and the result of forward', async () => {
    const net = await saveNet(join(directory.path, 'net.pt'), 2);
    const { code, stdout, stderr } = await run(net, '5,3,2,2');
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.deepEqual(stdout.split('\n'), [
      'pooled(x: Tensor) -> Tensor',
      'forward(x: Tensor) -> Tensor',
      '',
      'forward returns float32 [5, 2]',
      '',
    ]);
  });

  it('prints the structure of a nested result', async () => {
    const { stdout } = await run(fixture('traced'), '2,1,4,4');
    const last = stdout.trimEnd().split('\n').at(-1);
    assert.equal(
      last,
      'forward returns [float32 [2, 2, 4, 4], float32 [2, 2], { maximum: float32 [], positive: bool [2, 2, 4, 4] }]',
    );
  });

  it('reports errors without a stack trace', async () => {
    assert.equal((await run()).code, 2);
    for (const [args, text] of [
      [['none.pt'], /^The model file 'none\.pt' could not be read/],
      [[fixture('scripted'), '5,4'], /mat1 and mat2 shapes cannot be multiplied/],
      [[fixture('scripted'), 'large'], /^Expected a non-negative integer/],
    ] as const) {
      const { code, stderr } = await run(...args);
      assert.equal(code, 1);
      assert.match(stderr, text);
      assert.doesNotMatch(stderr, /node:internal/);
    }
  });
});
