import assert from 'node:assert/strict';
import { saveEndlessModels } from '../support/endless-models';
import { checkMainThread, lifecycleModels, prelude, run } from '../support/lifecycle';

/** Statements that occupy a thread for good, then call `end`. */
const endlessWork = {
  'a call': `
    ScriptModule.load(file('loop.pt')).then(async (net) => {
      net.forward(-1).catch(ignore);
      await sleep(50);
      end();
    });`,
  'calls of several models': `
    Promise.all(['loop.pt', 'loop.pt', 'loop.pt'].map((name) => ScriptModule.load(file(name))))
      .then(async (nets) => {
        for (const net of nets) net.forward(-1).catch(ignore);
        await sleep(50);
        end();
      });`,
  'the loading of a model': `
    Tensor.from([1]);
    ScriptModule.load(file('load.pt')).catch(ignore);
    setTimeout(end, 300);`,
  'a classified image': `
    Classifier.open(file('white.pt')).then(async (model) => {
      model.classify(square(4, 255)).catch(ignore);
      await sleep(100);
      end();
    });`,
};

const endings = {
  'process.exit': { statements: 'process.exit(3);', code: 3 },
  'process.exit in a SIGTERM handler': {
    statements: `
      process.on('SIGTERM', () => process.exit(5));
      process.kill(process.pid, 'SIGTERM');`,
    code: 5,
  },
  SIGTERM: { statements: `process.kill(process.pid, 'SIGTERM');`, signal: 'SIGTERM' as const },
  'an uncaught exception': {
    statements: `setImmediate(() => { throw new Error('from the program'); });`,
    code: 1,
    stderr: /\nError: from the program\n[^]*\nNode\.js v\d+/,
  },
};

/** The processes mostly wait. */
async function atOnce<T>(items: readonly T[], test: (item: T) => Promise<void>): Promise<void> {
  await Promise.all(items.map(test));
}

const asynchronous = (statements: string) => `${prelude} (async () => { ${statements} })();`;

describe('endless work', function () {
  this.timeout(120_000);
  const models = lifecycleModels();
  before(() => saveEndlessModels(models.directory));

  for (const [work, start] of Object.entries(endlessWork)) {
    it(`does not prevent the end of the process: ${work}`, async () => {
      await atOnce(Object.values(endings), async ({ statements, ...ending }) => {
        const program = `${prelude} const end = () => { ${statements} }; ${start}`;
        await run(program, { ...ending, env: models.env, timeout: 20_000 });
      });
    });
  }

  it('does not keep the process alive once it is aborted', async () => {
    const starts = [
      `const net = await ScriptModule.load(file('loop.pt'));
       await net.invoke('forward', [-1], { signal: AbortSignal.timeout(100) }).catch(ignore);`,
      `await ScriptModule.load(file('load.pt'), { signal: AbortSignal.timeout(100) }).catch(ignore);`,
      `await Classifier.open(file('load.pt'), { signal: AbortSignal.timeout(100) }).catch(ignore);`,
    ];
    await atOnce(starts, async (start) => {
      const program = asynchronous(`${start} process.exitCode = 4;`);
      await run(program, { code: 4, env: models.env, timeout: 30_000 });
    });
  });

  it('does not prevent the end of a worker, and the main thread continues', async () => {
    await atOnce(Object.values(endlessWork), async (start) => {
      const worker = `${prelude} const end = () => parentPort.postMessage('busy'); ${start}`;
      const program = asynchronous(`
        const worker = new Worker(${JSON.stringify(worker)}, { eval: true });
        await once(worker, 'message');
        await worker.terminate();
        ${checkMainThread}
        process.exitCode = 6;`);
      await run(program, { code: 6, env: models.env, timeout: 30_000 });
    });
  });

  it('ends by callTimeout for its caller, and other threads serve the next calls', async () => {
    const [output] = await run(
      asynchronous(`
        const net = await ScriptModule.load(file('loop.pt'), { callTimeout: 200 });
        const results = [];
        const call = (n) => net.forward(n).then(String, ({ code }) => code);
        // The queued calls are served as soon as the first one is given up.
        results.push(...(await Promise.all([-1, 1, 2].map(call))));
        for (let i = 0; i < 3; i++) results.push(await call(-1));
        // Four threads are busy for good.
        results.push(await call(3));
        await net.close();
        results.push(await call(4));
        console.log(results.join());
        process.exitCode = 7;`),
      { code: 7, env: models.env, timeout: 25_000 },
    );
    const timeout = 'ERR_SEMISUP_TIMEOUT';
    const expected = [timeout, 1, 2, timeout, timeout, timeout, timeout, 'ERR_SEMISUP_DISPOSED'];
    assert.equal(output, `${expected.join()}\n`);
  });

  it('fails the images of its batch only', async () => {
    const [output] = await run(
      asynchronous(`
        const model = await Classifier.open(file('white.pt'), { callTimeout: 300 });
        const label = (image) => model.classify(image).then(([{ index }]) => index, ({ code }) => code);
        console.log(await label(square(4, 255)), await label(square(4, 10)));
        const before = performance.now();
        await model.classify(Array(8).fill(square(4, 255))).catch(ignore);
        // One time limit, rather than one for each image.
        console.log(performance.now() - before < 1500);
        process.exitCode = 8;`),
      { code: 8, env: models.env, timeout: 25_000 },
    );
    assert.equal(output, 'ERR_SEMISUP_TIMEOUT 0\ntrue\n');
  });

  it('does not prevent closing with a time limit', async () => {
    const [output] = await run(
      asynchronous(`
        const code = (promise) => promise.then(() => 'done', ({ code }) => code);
        const net = await ScriptModule.load(file('loop.pt'));
        const calls = [-1, 1].map((n) => code(net.forward(n)));
        await sleep(50);
        console.log(await code(net.close({ timeout: 100 })), ...(await Promise.all(calls)));
        console.log(await code(net.close()));
        const model = await Classifier.open(file('white.pt'));
        const image = code(model.classify(square(4, 255)));
        await sleep(100);
        console.log(await code(model.close({ timeout: 100 })), await image, await code(model.close()));
        const slot = await ModelSlot.open(file('loop.pt'));
        const call = code(slot.forward(-1));
        await sleep(50);
        console.log(await code(slot.close({ timeout: 100 })), await call, await code(slot.close()));
        process.exitCode = 9;`),
      { code: 9, env: models.env, timeout: 25_000 },
    );
    const timeout = 'ERR_SEMISUP_TIMEOUT';
    assert.equal(
      output,
      [
        [timeout, timeout, 'ERR_SEMISUP_CANCELED'],
        ['done'],
        [timeout, timeout, 'done'],
        [timeout, timeout, 'done', ''],
      ]
        .map((line) => line.join(' ').trim())
        .join('\n') + '\n',
    );
  });

  it('does not block a slot after the time limit of a swap', async () => {
    const [output] = await run(
      asynchronous(`
        const code = (promise) => promise.then(() => 'done', ({ code }) => code);
        const slot = await ModelSlot.open(file('loop.pt'));
        const warmup = (model) => model.forward(-1);
        console.log(await code(slot.swap(file('loop.pt'), { timeout: 200, warmup })));
        console.log(await code(slot.swap(file('load.pt'), { timeout: 200 })));
        console.log(await slot.forward(5));
        console.log(await code(slot.swap(file('loop.pt'), { warmup: 0, check: ignore })));
        console.log(await slot.forward(6), await code(slot.close()));
        process.exitCode = 10;`),
      { code: 10, env: models.env, timeout: 40_000 },
    );
    const timeout = 'ERR_SEMISUP_SWAP_TIMEOUT';
    assert.equal(output, `${[timeout, timeout, 5, 'done', '6 done'].join('\n')}\n`);
  });
});
