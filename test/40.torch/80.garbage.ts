import assert from 'node:assert/strict';
import { runNode } from '../support/run-node';

/** Runs with a garbage collector that can be called; gives what the program makes of `answer`. */
async function collect(steps: string): Promise<unknown> {
  const { code, signal, stdout, stderr } = await runNode(`
    require('node:v8').setFlagsFromString('--expose-gc');
    const gc = require('node:vm').runInNewContext('gc');
    const { memory, ScriptModule, Tensor } = require('./src/torch');
    const { fixture } = require('./test/support/torchscript');
    const turn = () => new Promise((resolve) => setTimeout(resolve, 10));
    // What is finalized, and closed then on threads of its own, takes turns of the event loop.
    const settle = async (isDone) => {
      for (let i = 0; i < 500 && !isDone(); i++) { gc(); await turn(); }
    };
    const isEmpty = () => memory().tensors.count + memory().modules.count === 0;
    const answer = (value) => console.log(JSON.stringify(value));
    (async () => { ${steps} })();
  `);
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  return JSON.parse(stdout);
}

const none = {
  modules: { count: 0, bytes: 0 },
  tensors: { count: 0, bytes: 0 },
  arenas: { count: 0, bytes: 0 },
};

describe('garbage', () => {
  it('is tensors that nobody holds, and memory() is zero when they are freed', async () => {
    const held = await collect(`
      const one = Tensor.from(new Float32Array(1000));
      for (let i = 0; i < 100; i++) Tensor.from(new Float32Array(1000)).reshape([10, 100]);
      await settle(() => memory().tensors.count === 1);
      const kept = memory();
      one.dispose();
      answer([kept, memory()]);
    `);
    assert.deepEqual(held, [{ ...none, tensors: { count: 1, bytes: 4000 } }, none]);
  });

  it('is modules that were never closed, with their threads', async () => {
    const [during, after, threads] = (await collect(`
      const { readdirSync } = require('node:fs');
      const threads = () => process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0;
      await (await ScriptModule.load(fixture('state'))).close();
      await turn();
      const before = threads();
      const during = await (async () => {
        const loaded = [];
        for (let i = 0; i < 20; i++) loaded.push(await ScriptModule.load(fixture('state')));
        await Promise.all(loaded.map((module) => module.attribute('count')));
        return memory();
      })();
      await settle(() => isEmpty() && threads() <= before);
      answer([during, memory(), threads() - before]);
    `)) as [typeof none, typeof none, number];
    assert.equal(during.modules.count, 20);
    assert.deepEqual(after, none);
    assert.ok(threads <= 0, `${threads} threads are left`);
  });

  it('is no module that has work under way, nor its inputs', async () => {
    const answers = await collect(`
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
      for (let i = 0; i < 3; i++) { gc(); await turn(); }
      const answers = await Promise.all(running);
      await settle(isEmpty);
      answer([answers, memory()]);
    `);
    assert.deepEqual(answers, [[7, true], none]);
  });

  it('is no tensor of a module that was closed or collected', async () => {
    const answers = await collect(`
      const take = async () => (await (await ScriptModule.load(fixture('state'))).parameters()).weight;
      const weight = await take();
      await settle(() => memory().modules.count === 0);
      answer([[...weight.dataSync()], memory().modules.count]);
    `);
    assert.deepEqual(answers, [[1, 2, 3, 4], 0]);
  });

  it('is what failed or was cancelled calls leave behind', async () => {
    const after = await collect(`
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
      answer(memory());
    `);
    assert.deepEqual(after, none);
  });

  it('is collected by V8 itself where it is heavy, because V8 is told its bytes', async () => {
    const [light, heavy] = (await collect(`
      const most = async (length) => {
        const data = new Uint8Array(length);
        let most = 0;
        for (let i = 0; i < 300; i++) {
          Tensor.from(data);
          most = Math.max(most, memory().tensors.count);
          if (i % 10 === 0) await turn();
        }
        await settle(isEmpty);
        return most;
      };
      answer([await most(1), await most(2 ** 24)]);
    `)) as [number, number];
    // V8 collects at times of its own too: some of the light ones may be gone before the last.
    assert.ok(heavy < light / 2, `${heavy} heavy and ${light} light of 300 were held at once`);
  });
});
