import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Classifier } from '../../src/classify';
import { devices } from '../../src/torch';
import { saveGenerated } from '../support/generated-model';
import { onGpu } from '../support/gpu';
import { runNode } from '../support/run-node';
import { temporaryFolder } from '../support/temporary';

const image = { data: Buffer.alloc(64 * 64 * 3), width: 64, height: 64, channels: 3 as const };

/** A program's function that gives the class of an image. */
const answer = `
  const { Classifier } = require('./src/classify');
  const image = { data: Buffer.alloc(64 * 64 * 3), width: 64, height: 64, channels: 3 };
  const answer = async () => {
    const model = await Classifier.open(process.env.MODEL, { device: 'cuda' });
    const [best] = await model.classify(image);
    await model.close();
    return best.index;
  };`;

describe('a process that uses a GPU', function () {
  this.timeout(300_000);
  onGpu();
  const temporary = temporaryFolder();
  let path: string;

  beforeEach(async () => {
    path = await saveGenerated(join(temporary.path, 'resnet18.pt'), 'resnet18');
  });

  for (const [when, rest] of [
    ['with a model that was never closed', ''],
    ['while a model runs', 'void model.classify(image); setImmediate(() => process.exit());'],
    ['after a model was closed', 'await model.classify(image); await model.close();'],
    ['at once after an answer', 'await model.classify(image); process.exit();'],
  ] as const) {
    it(`ends cleanly ${when}`, async () => {
      const script = `
        const { Classifier } = require('./src/classify');
        const image = { data: Buffer.alloc(64 * 64 * 3), width: 64, height: 64, channels: 3 };
        (async () => {
          const model = await Classifier.open(${JSON.stringify(path)}, { device: 'cuda' });
          ${rest}
        })();`;
      const { code, stderr } = await runNode(script);
      assert.deepEqual([code, stderr], [0, '']);
    });
  }

  it('runs models in workers too', async () => {
    const worker = `
      require('tsx/cjs');
      const { parentPort } = require('node:worker_threads');
      ${answer}
      answer().then((index) => parentPort.postMessage(index));`;
    const program = `
      const { once } = require('node:events');
      const { Worker } = require('node:worker_threads');
      ${answer}
      const start = () => new Worker(${JSON.stringify(worker)}, { eval: true });
      Promise.all([answer(), once(start(), 'message'), once(start(), 'message')]).then((all) => {
        console.log(JSON.stringify(all.flat()));
      });`;
    const { code, stdout } = await runNode(program, [], { ...process.env, MODEL: path });
    await using cpu = await Classifier.open(path, { device: 'cpu' });
    const [best] = await cpu.classify(image);
    assert.deepEqual([code, stdout], [0, `${JSON.stringify(Array(3).fill(best!.index))}\n`]);
  });

  it('gives the memory of closed models back', async () => {
    const free = async () => (await devices())[1]!.memory!.free;
    const round = async () => {
      await using model = await Classifier.open(path, { device: 'cuda' });
      await model.classify(image);
    };
    for (let i = 0; i < 3; i++) await round();
    const before = await free();
    if (before === undefined) return;
    for (let i = 0; i < 10; i++) await round();
    const lost = before - (await free())!;
    assert.ok(lost < 64e6, `${lost} bytes`);
  });
});
