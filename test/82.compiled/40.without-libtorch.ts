import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Classifier } from '../../src';
import { saveGeneratedModel } from '../support/generated-model';
import { root, runNode } from '../support/run-node';

/** The libraries of LibTorch that the process has opened, on Linux. */
const opened = `
  const { readFileSync } = require('node:fs');
  const opened = () => process.platform === 'linux'
    ? [...new Set(readFileSync('/proc/self/maps', 'utf8').match(/[^/]*(torch|c10|gomp)[^/]*\\.so.*/g) ?? [])]
    : [];`;

describe('a compiled model without LibTorch', function () {
  this.timeout(120_000);
  let directory: string;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-without-'));
    const torchScript = await saveGeneratedModel(join(directory, 'resnet18.pt'), 'resnet18');
    await using model = await Classifier.open(torchScript, { plan: 'untuned' });
    await model.compile(join(directory, 'resnet18.semisup'));
    await cp(join(root, 'test', '50.image', 'fixtures', 'rgb.jpg'), join(directory, 'image.jpg'));
    env = { ...process.env, SEMISUP_LIBTORCH: '/nowhere', MODELS: directory };
  });
  after(async () => {
    await rm(directory, { recursive: true });
  });

  async function run(statements: string): Promise<unknown> {
    const { code, stdout, stderr } = await runNode(
      `${opened}
      const { Classifier, ModelSlot, ScriptModule, Tensor, hub, memory } = require('./src');
      const { MODELS } = process.env;
      const path = MODELS + '/resnet18.semisup';
      const image = MODELS + '/image.jpg';
      const report = (value) => console.log(JSON.stringify(value));
      (async () => { ${statements} })();`,
      [],
      env,
    );
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    return JSON.parse(stdout);
  }

  it('classifies, embeds and runs tensors', async () => {
    const result = await run(`
      const model = await Classifier.open(path);
      const [best] = await model.classify(image);
      const embedding = await model.embed(image);
      const logits = await model.logits([image, image]);
      const input = Tensor.from(new Float32Array(3 * 64 * 64).fill(0.5), [1, 3, 64, 64]);
      const output = await model.forward(input);
      String(output);
      await model.close();
      report([best.index, embedding.length, logits.shape, output.shape, opened()]);
    `);
    const [index, ...rest] = result as [number, ...unknown[]];
    assert.ok(index >= 0 && index < 1000);
    assert.deepEqual(rest, [512, [2, 1000], [1, 1000], []]);
  });

  it('is swapped by a slot', async () => {
    const result = await run(`
      const slot = await ModelSlot.open(path);
      const [before] = await slot.classify(image);
      await slot.swap(path);
      const [after] = await slot.classify(image);
      await slot.close();
      report([before.index === after.index, opened()]);
    `);
    assert.deepEqual(result, [true, []]);
  });

  it('runs in workers, which end', async () => {
    const result = await run(`
      const { Worker } = require('node:worker_threads');
      const { once } = require('node:events');
      const program = \`
        require('./test/support/typescript.cjs');
        const { Classifier } = require('./src');
        const { parentPort, workerData } = require('node:worker_threads');
        Classifier.open(workerData.path).then(async (model) => {
          parentPort.postMessage((await model.classify(workerData.image))[0].index);
        });\`;
      const workers = Array.from({ length: 3 }, () => new Worker(program, { eval: true, workerData: { path, image } }));
      const indices = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
      await Promise.all(workers.map((worker) => worker.terminate()));
      const model = await Classifier.open(path);
      const [{ index }] = await model.classify(image);
      await model.close();
      report([indices.every((one) => one === index), opened()]);
    `);
    assert.deepEqual(result, [true, []]);
  });

  it('converts tensors only with LibTorch, whose absence is an error', async () => {
    const result = await run(`
      const tensor = Tensor.from([1, 2, 3]);
      const text = String(tensor.reshape([3, 1]));
      try { tensor.to({ dtype: 'int64' }); } catch (error) { report([text, error.code, [...tensor.dataSync()]]); }
    `);
    assert.deepEqual(result, [
      'tensor([[1.],\n        [2.],\n        [3.]])',
      'ERR_SEMISUP_LIBTORCH_NOT_FOUND',
      [1, 2, 3],
    ]);
  });

  it('says what is missing for other files', async () => {
    const result = await run(`
      const codes = [];
      for (const open of [() => Classifier.open(MODELS + '/resnet18.pt'), () => ScriptModule.load(path)]) {
        await open().catch((error) => codes.push(error.code));
      }
      report(codes);
    `);
    assert.deepEqual(result, ['ERR_SEMISUP_LIBTORCH_NOT_FOUND', 'ERR_SEMISUP_LIBTORCH_NOT_FOUND']);
  });

  it('exits cleanly while it runs', async () => {
    for (const end of ['process.exit(0)', 'undefined', 'setTimeout(() => process.exit(0), 20)']) {
      const result = await run(`
        const model = await Classifier.open(path);
        for (let i = 0; i < 50; i++) model.classify(image).catch(() => undefined);
        report('running');
        ${end};
      `);
      assert.equal(result, 'running');
    }
  });
});
