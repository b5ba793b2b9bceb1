import assert from 'node:assert/strict';
import { runNode } from '../support/run-node';

/** Runs a program with access to `gc` and returns the value that it passes to `report`. */
async function runWithGc(steps: string): Promise<unknown> {
  const { code, signal, stdout, stderr } = await runNode(`
    require('node:v8').setFlagsFromString('--expose-gc');
    const gc = require('node:vm').runInNewContext('gc');
    const { ScriptModule } = require('./src/torch');
    const { memory, Tensor } = require('./src/native');
    const { fixture } = require('./test/support/torchscript');
    const tick = () => new Promise((resolve) => setTimeout(resolve, 10));
    // Finalizers close modules on other threads, so this takes several iterations of the event loop.
    const settle = async (isDone) => {
      for (let i = 0; i < 500 && !isDone(); i++) { gc(); await tick(); }
    };
    const isEmpty = () => memory().tensors.count + memory().modules.count === 0;
    const report = (value) => console.log(JSON.stringify(value));
    (async () => { ${steps} })();
  `);
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  return JSON.parse(stdout);
}

const none = {
  modules: { count: 0, bytes: 0 },
  compiledModels: { count: 0, bytes: 0 },
  mappedFiles: { count: 0, bytes: 0 },
  indexes: { count: 0, bytes: 0 },
  tensors: { count: 0, bytes: 0 },
  arenas: { count: 0, bytes: 0 },
};

describe('garbage collection', () => {
  it('frees unreferenced tensors, after which memory() is zero', async () => {
    const usage = await runWithGc(`
      const one = Tensor.from(new Float32Array(1000));
      for (let i = 0; i < 100; i++) Tensor.from(new Float32Array(1000)).reshape([10, 100]);
      await settle(() => memory().tensors.count === 1);
      const kept = memory();
      one.dispose();
      report([kept, memory()]);
    `);
    assert.deepEqual(usage, [{ ...none, tensors: { count: 1, bytes: 4000 } }, none]);
  });

  it('frees modules that were never closed and their threads', async () => {
    const [during, after, threads] = (await runWithGc(`
      const { readdirSync } = require('node:fs');
      const threads = () => process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0;
      await (await ScriptModule.load(fixture('state'))).close();
      await tick();
      const before = threads();
      const during = await (async () => {
        const loaded = [];
        for (let i = 0; i < 20; i++) loaded.push(await ScriptModule.load(fixture('state')));
        await Promise.all(loaded.map((module) => module.attribute('count')));
        return memory();
      })();
      await settle(() => isEmpty() && threads() <= before);
      report([during, memory(), threads() - before]);
    `)) as [typeof none, typeof none, number];
    assert.equal(during.modules.count, 20);
    assert.deepEqual(after, none);
    assert.ok(threads <= 0, `${threads} threads are left`);
  });

  it('does not free a module with pending calls or their inputs', async () => {
    const results = await runWithGc(`
      const start = async () => {
        const slow = await ScriptModule.load(fixture('slow'));
        const values = await ScriptModule.load(fixture('values'));
        const input = Tensor.from(new Float32Array(1e5).fill(1));
        return [
          slow.call('forward', 7, 3000),
          values.forward(input).then((output) => output.dataSync().every((x) => x === 2)),
        ];
      };
      const running = await start();
      for (let i = 0; i < 3; i++) { gc(); await tick(); }
      const results = await Promise.all(running);
      await settle(isEmpty);
      report([results, memory()]);
    `);
    assert.deepEqual(results, [[7, true], none]);
  });

  it('does not free the tensors of a collected module', async () => {
    const results = await runWithGc(`
      const take = async () => (await (await ScriptModule.load(fixture('state'))).parameters()).weight;
      const weight = await take();
      await settle(() => memory().modules.count === 0);
      report([[...weight.dataSync()], memory().modules.count]);
    `);
    assert.deepEqual(results, [[1, 2, 3, 4], 0]);
  });

  it('frees the inputs of failed and canceled calls', async () => {
    const after = await runWithGc(`
      await (async () => {
        const raises = await ScriptModule.load(fixture('raises'));
        const slow = await ScriptModule.load(fixture('slow'));
        const x = Tensor.from([1, 2]);
        for (let i = 0; i < 10; i++) {
          await raises.forward(x, 'raise').catch(() => 0);
          await raises.forward(x, 5).catch(() => 0);
          await ScriptModule.load(new Uint8Array(100)).catch(() => 0);
          const running = slow.call('forward', 1, 100);
          const controller = new AbortController();
          const waiting = slow.invoke('forward', [2, 1], { signal: controller.signal });
          controller.abort();
          await waiting.catch(() => 0);
          await running;
        }
      })();
      await settle(isEmpty);
      report(memory());
    `);
    assert.deepEqual(after, none);
  });

  it('runs automatically for large tensors, because V8 accounts for their bytes', async () => {
    const [small, large] = (await runWithGc(`
      const peakCount = async (length) => {
        const data = new Uint8Array(length);
        let peak = 0;
        for (let i = 0; i < 300; i++) {
          Tensor.from(data);
          peak = Math.max(peak, memory().tensors.count);
          if (i % 10 === 0) await tick();
        }
        await settle(isEmpty);
        return peak;
      };
      report([await peakCount(1), await peakCount(2 ** 24)]);
    `)) as [number, number];
    // V8 may also collect some of the small tensors early.
    assert.ok(large < small / 2, `peak of ${large} large and ${small} small tensors out of 300`);
  });
});
