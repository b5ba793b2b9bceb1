import assert from 'node:assert/strict';
import { runNode } from '../support/run-node';

const worker = `
  const { parentPort } = require('node:worker_threads');
  require('tsx/cjs');
  const { makeSmallNet } = require('./test/support/small-net');
  const { Tensor } = require('./src/torch');
  makeSmallNet().then(async (net) => {
    const output = await net.forward(Tensor.from(new Float32Array(3).fill(1), [1, 3, 1, 1]));
    parentPort.postMessage([...output.dataSync()]);
    parentPort.on('message', () => {
      for (let i = 0; i < 50; i++) {
        net.forward(Tensor.from(new Float32Array(3 * 512 * 512), [1, 3, 512, 512]));
      }
    });
  });
`;

const program = (rest: string) => `
  const { once } = require('node:events');
  const { Worker } = require('node:worker_threads');
  const start = () => new Worker(${JSON.stringify(worker)}, { eval: true });
  (async () => { ${rest} })();
`;

describe('workers', () => {
  it('have models of their own, several at a time and beside the main thread', async () => {
    const { code, stdout, stderr } = await runNode(
      program(`
        const { makeSmallNet } = require('./test/support/small-net');
        const net = await makeSmallNet();
        const workers = [start(), start(), start()];
        const answers = await Promise.all(workers.map((one) => once(one, 'message')));
        console.log(JSON.stringify(answers.map(([answer]) => answer)));
        await Promise.all(workers.map((one) => one.terminate()));
        await net.close();
      `),
    );
    assert.equal(stderr, '');
    assert.equal(stdout, '[[21,30],[21,30],[21,30]]\n');
    assert.equal(code, 0);
  });

  it('may be ended while their models run, again and again', async () => {
    const { code, signal, stdout, stderr } = await runNode(
      program(`
        for (let i = 0; i < 5; i++) {
          const one = start();
          await once(one, 'message');
          one.postMessage('run');
          await new Promise((resolve) => setTimeout(resolve, 10));
          await one.terminate();
        }
        console.log('done');
      `),
    );
    assert.deepEqual(
      { code, signal, stdout, stderr },
      { code: 0, signal: null, stdout: 'done\n', stderr: '' },
    );
  });
});
