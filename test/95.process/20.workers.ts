import assert from 'node:assert/strict';
import { runNode } from '../support/run-node';

const worker = `
  const { parentPort } = require('node:worker_threads');
  require('./test/support/typescript.cjs');
  const { makeSmallNet } = require('./test/support/small-net');
  const { Tensor } = require('./src/native');
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

describe('worker threads', () => {
  it('run their own models concurrently with the main thread', async () => {
    const { code, stdout, stderr } = await runNode(
      program(`
        const { makeSmallNet } = require('./test/support/small-net');
        const net = await makeSmallNet();
        const workers = [start(), start(), start()];
        const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
        console.log(JSON.stringify(answers.map(([answer]) => answer)));
        await Promise.all(workers.map((worker) => worker.terminate()));
        await net.close();
      `),
    );
    assert.equal(stderr, '');
    assert.equal(stdout, '[[21,30],[21,30],[21,30]]\n');
    assert.equal(code, 0);
  });

  it('can be terminated repeatedly while their models run', async () => {
    const { code, signal, stdout, stderr } = await runNode(
      program(`
        for (let i = 0; i < 5; i++) {
          const worker = start();
          await once(worker, 'message');
          worker.postMessage('run');
          await new Promise((resolve) => setTimeout(resolve, 10));
          await worker.terminate();
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
