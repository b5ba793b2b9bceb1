import assert from 'node:assert/strict';
import { runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

describe("oneDNN's packed weights", function () {
  this.timeout(60_000);
  const directory = temporaryDirectory();

  /** Runs single images and batches of a convolution, and returns the lines in which oneDNN reports its reorders. */
  async function reordersIn(precision: string): Promise<string[]> {
    const { code, stdout, stderr } = await runNode(
      `const { openNative } = require('./src/torch');
       const { selectEverywhere } = require('./test/support/algorithms');
       const { makeNet, syntheticImages } = require('./test/support/convolutions');
       const { planExample } = require('./test/support/plans');
       void (async () => {
         await openNative();
         const cache = ${JSON.stringify(directory.path)} + '/${precision}';
         process.env.XDG_CACHE_HOME = cache;
         const net = await makeNet(['return torch.relu(torch.conv2d(x, self.w, None))'], { w: [1040, 64, 1, 1] });
         const plan = (mode) =>
           net.plan('forward', planExample([64, 13, 13]), { plan: mode, precision: '${precision}' });
         await plan('tune');
         await selectEverywhere(cache, 'onednn');
         console.log('before', (await plan('auto')).reason);
         for (const count of [1, 2, 4, 2]) await net.forward(syntheticImages([count, 64, 13, 13], count));
       })();`,
      [],
      { ...process.env, ONEDNN_VERBOSE: 'profile_exec' },
    );
    assert.equal(code, 0, stderr);
    const [, afterwards = ''] = stdout.split(/^before The tuning was read.*$/m);
    assert.ok(afterwards.includes('exec,cpu,convolution'), stdout);
    return afterwards.split('\n').filter((line) => line.includes('exec,cpu,reorder'));
  }

  for (const precision of ['float32', 'int8']) {
    it(`are packed once for single images and once for batches: ${precision}`, async () => {
      const weights = (await reordersIn(precision)).filter((line) => line.includes(',1040x64x1x1'));
      assert.ok(weights.length <= 2, weights.join('\n'));
    });
  }
});
