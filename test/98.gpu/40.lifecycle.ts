import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Classifier } from '../../src/classify';
import { devices } from '../../src/torch';
import { saveGeneratedModel } from '../support/generated-model';
import { gpusOrSkip } from '../support/gpu';
import { runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

const image = { data: Buffer.alloc(64 * 64 * 3), width: 64, height: 64, channels: 3 as const };

/** Source text of a function that returns the class of an image. */
const classifySource = `
  const { Classifier } = require('./src/classify');
  const image = { data: Buffer.alloc(64 * 64 * 3), width: 64, height: 64, channels: 3 };
  const classify = async () => {
    const model = await Classifier.open(process.env.MODEL, { device: 'cuda' });
    const [best] = await model.classify(image);
    await model.close();
    return best.index;
  };`;

describe('a process that uses a GPU', function () {
  this.timeout(300_000);
  gpusOrSkip();
  const temporary = temporaryDirectory();
  let path: string;

  beforeEach(async () => {
    path = await saveGeneratedModel(join(temporary.path, 'resnet18.pt'), 'resnet18');
  });

  for (const [when, statements] of [
    ['with a model that was never closed', ''],
    ['while a model runs', 'void model.classify(image); setImmediate(() => process.exit());'],
    ['after a model was closed', 'await model.classify(image); await model.close();'],
    ['immediately after a result', 'await model.classify(image); process.exit();'],
  ] as const) {
    it(`exits cleanly ${when}`, async () => {
      const script = `
        const { Classifier } = require('./src/classify');
        const image = { data: Buffer.alloc(64 * 64 * 3), width: 64, height: 64, channels: 3 };
        (async () => {
          const model = await Classifier.open(${JSON.stringify(path)}, { device: 'cuda' });
          ${statements}
        })();`;
      const { code, stderr } = await runNode(script);
      assert.deepEqual([code, stderr], [0, '']);
    });
  }

  it('runs models in worker threads', async () => {
    const worker = `
      require('./test/support/typescript.cjs');
      const { parentPort } = require('node:worker_threads');
      ${classifySource}
      classify().then((index) => parentPort.postMessage(index));`;
    const program = `
      const { once } = require('node:events');
      const { Worker } = require('node:worker_threads');
      ${classifySource}
      const start = () => new Worker(${JSON.stringify(worker)}, { eval: true });
      Promise.all([classify(), once(start(), 'message'), once(start(), 'message')]).then((all) => {
        console.log(JSON.stringify(all.flat()));
      });`;
    const { code, stdout } = await runNode(program, [], { ...process.env, MODEL: path });
    await using cpu = await Classifier.open(path, { device: 'cpu' });
    const [best] = await cpu.classify(image);
    assert.deepEqual([code, stdout], [0, `${JSON.stringify(Array(3).fill(best!.index))}\n`]);
  });

  it('releases the memory of closed models', async () => {
    const free = async () => (await devices())[1]!.memory!.free;
    const openAndClose = async () => {
      await using model = await Classifier.open(path, { device: 'cuda' });
      await model.classify(image);
    };
    for (let i = 0; i < 3; i++) await openAndClose();
    const before = await free();
    if (before === undefined) return;
    for (let i = 0; i < 10; i++) await openAndClose();
    const leaked = before - (await free())!;
    assert.ok(leaked < 64e6, `${leaked} bytes`);
  });
});
