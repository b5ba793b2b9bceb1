import assert from 'node:assert/strict';
import { runNode } from '../support/run-node';

const setUp = `
  const { makeSmallNet } = require('./test/support/small-net');
  const { Tensor } = require('./src/native');
  const input = () => Tensor.from(new Float32Array(3 * 512 * 512), [1, 3, 512, 512]);
  const flood = (net) => { for (let i = 0; i < 50; i++) net.forward(input()); };
`;

const stages = {
  'before anything is loaded': `require('./src'); process.exit(0);`,
  'while LibTorch is opened': `${setUp} makeSmallNet(); setTimeout(() => process.exit(0), 20);`,
  'with a model that was never closed': `${setUp} makeSmallNet();`,
  'while a model runs': `${setUp} makeSmallNet().then((net) => { flood(net); process.exit(0); });`,
  'while a model runs, after a delay': `${setUp} makeSmallNet().then((net) => {
    flood(net);
    setTimeout(() => process.exit(0), 5);
  });`,
  'while a model is closed': `${setUp} makeSmallNet().then((net) => {
    flood(net);
    net.close();
    process.exit(0);
  });`,
  'after a model was closed': `${setUp} makeSmallNet().then((net) => net.close());`,
};

describe('process exit', function () {
  for (const [stage, program] of Object.entries(stages)) {
    it(`is clean ${stage}`, async () => {
      const { code, signal, stderr } = await runNode(program);
      assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
    });
  }

  it('waits for pending results', async () => {
    const program = `${setUp} makeSmallNet().then(async (net) => {
      const output = await net.forward(input());
      console.log(output.shape.join());
    });`;
    const { code, stdout } = await runNode(program);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '1,2\n' });
  });
});
