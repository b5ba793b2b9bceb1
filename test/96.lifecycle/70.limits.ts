import assert from 'node:assert/strict';
import { lifecycleModels, prelude, run } from '../support/lifecycle';

const main = (statements: string) => `${prelude} (async () => { ${statements} })();`;

describe('a process with limited memory', function () {
  this.timeout(120_000);
  const models = lifecycleModels();

  const classifyMany = `
    const model = await Classifier.open(file('one.pt'));
    let sum = 0;
    for (let i = 0; i < 20; i++) {
      for (const [best] of await model.classify(Array(8).fill(square(256)))) sum += best.index;
      for (let j = 0; j < 4; j++) large();
    }
    await model.close();`;

  it('runs models with a small heap, because tensors are not part of it', async () => {
    const [output] = await run(main(`${classifyMany} console.log(sum);`), {
      env: models.env,
      flags: ['--max-old-space-size=32'],
    });
    assert.equal(output, '160\n');
  });

  it('runs models in a worker with resource limits', async () => {
    const worker = main(`${classifyMany} parentPort.postMessage(sum);`);
    const [output] = await run(
      main(`
        const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4, stackSizeMb: 2 };
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true, resourceLimits });
        // The worker may have exited before the promise of its message continues.
        const exited = once(worker, 'exit');
        console.log((await once(worker, 'message'))[0]);
        console.log(await exited);`),
      { env: models.env },
    );
    assert.equal(output, '160\n[ 0 ]\n');
  });

  it('survives a worker that exceeds its limit while its model runs', async () => {
    const worker = main(`
      const net = await ScriptModule.load(file('net.pt'));
      for (let i = 0; i < 10; i++) net.forward(large()).catch(ignore);
      const grown = [];
      for (;;) grown.push(Array(1e4).fill({}));`);
    const [output] = await run(
      main(`
        const resourceLimits = { maxOldGenerationSizeMb: 32 };
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true, resourceLimits });
        const exited = new Promise((resolve) => worker.on('exit', resolve));
        console.log((await once(worker, 'error'))[0].code, await exited);
        const net = await ScriptModule.load(file('net.pt'));
        console.log((await net.forward(ones())).dataSync()[0]);`),
      { env: models.env },
    );
    assert.equal(output, 'ERR_WORKER_OUT_OF_MEMORY 1\n21\n');
  });

  it('writes a heap snapshot while models and tensors exist', async () => {
    const [output] = await run(
      main(`
        const { writeHeapSnapshot } = require('node:v8');
        const { statSync } = require('node:fs');
        const net = await ScriptModule.load(file('net.pt'));
        const model = await Classifier.open(file('one.pt'));
        const tensor = ones();
        const running = net.forward(large());
        const size = statSync(writeHeapSnapshot(file('heap.heapsnapshot'))).size;
        await running;
        console.log(size > 1e6, (await net.forward(tensor)).dataSync()[0], memory().tensors.count > 0);
        await Promise.all([net.close(), model.close()]);`),
      { env: models.env },
    );
    assert.equal(output, 'true 21 true\n');
  });

  it('frees the native memory of tensors that are dropped without dispose()', async function () {
    if (process.platform !== 'linux') {
      this.test!.title += ' (skipped: only Linux reports the resident memory exactly)';
      this.skip();
    }
    const [output] = await run(
      main(`
        const net = await ScriptModule.load(file('net.pt'));
        const data = new Float32Array(2 ** 18);
        const kept = Tensor.from(data);
        let peak = 0;
        for (let i = 0; i < 5000; i++) {
          Tensor.from(data);
          if (i % 50) continue;
          await net.forward(ones());
          peak = Math.max(peak, process.memoryUsage.rss());
        }
        for (let i = 0; i < 100 && memory().tensors.count > 1; i++) { gc(); await sleep(10); }
        console.log(JSON.stringify({ peak, live: memory().tensors }));
        kept.dispose();`),
      { env: models.env, flags: ['--expose-gc'] },
    );
    const { peak, live } = JSON.parse(output!) as {
      peak: number;
      live: { count: number; bytes: number };
    };
    assert.deepEqual(live, { count: 1, bytes: 2 ** 20 });
    // The 5000 tensors have 5.2 GB: V8 must learn of them to collect them in time.
    assert.ok(peak < 2.6e9, `${peak} bytes were resident`);
  });
});
