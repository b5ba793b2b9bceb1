import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DisposedError, OptionError, SemisupError, SwapError } from '../../src/errors';
import { ModelSlot, type SwapEvent, type SwapFailure, type SwapOptions } from '../../src/slot';
import { memory, Tensor } from '../../src/native';
import { ScriptModule } from '../../src/torch';
import {
  outputOf,
  image,
  makeNet,
  ones,
  saveClassifier,
  saveNet,
  saveSource,
} from '../support/slot-models';
import { freeUnreferencedModules } from '../support/garbage';
import { temporaryDirectory } from '../support/temporary';
import { runNode } from '../support/run-node';

describe('ModelSlot.swap', () => {
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  const net = (scale: number) => saveNet(path(`net-${scale}.pt`), scale);
  const classifier = (favorite: number, classes?: number) =>
    saveClassifier(path(`classifier-${favorite}-${classes}.pt`), favorite, classes);

  const outputOfSlot = async (slot: ModelSlot) => {
    using input = ones();
    using output = await slot.forward(input);
    return await output.data();
  };

  /** The slot of the test. It is closed after the test, and must then have freed its models. */
  let slot: ModelSlot;
  let modules: number;
  const open = async (...args: Parameters<typeof ModelSlot.open>) => {
    slot = await ModelSlot.open(...args);
    return slot;
  };
  before(freeUnreferencedModules);
  beforeEach(() => {
    modules = memory().modules.count;
  });
  afterEach(async () => {
    await slot.close();
    assert.equal(memory().modules.count, modules);
  });

  /** Records the names and payloads of the events that the slot emits from now on. */
  const record = () => {
    const events: [string, SwapEvent & Partial<SwapFailure>][] = [];
    for (const name of ['loading', 'warming', 'swap', 'drained', 'failed'] as const) {
      (slot as EventEmitter).on(name, (event: SwapEvent) => events.push([name, event]));
    }
    return events;
  };

  /** Asserts that a swap fails at a stage, and that the previous model stays active. */
  const fails = async (
    stage: string,
    source: Parameters<ModelSlot['swap']>[0],
    options?: SwapOptions,
  ): Promise<SwapError> => {
    const { version } = slot;
    const before = await outputOfSlot(slot);
    const [error] = await Promise.all([
      slot.swap(source, options).then(
        () => assert.fail('the swap did not fail'),
        (reason: unknown) => reason,
      ),
    ]);
    assert.ok(error instanceof SwapError, String(error));
    assert.equal(error.code, `ERR_SEMISUP_SWAP_${stage}`);
    assert.equal(slot.version, version);
    assert.deepEqual(await outputOfSlot(slot), before);
    return error;
  };

  describe('a successful swap', () => {
    it('activates the new model and frees the previous one', async () => {
      await open(await net(1));
      assert.deepEqual(await outputOfSlot(slot), outputOf(1));
      const count = memory().modules.count;
      const second = await net(2);
      const swapped = await slot.swap(second);
      assert.equal(swapped.version, 2);
      assert.equal(swapped.source, second);
      assert.equal(slot.version, 2);
      assert.equal(slot.source, second);
      assert.deepEqual(await outputOfSlot(slot), outputOf(2));
      await swapped.drained;
      assert.equal(memory().modules.count, count);
    });

    it('emits loading, warming, swap and drained, with times and memory', async () => {
      await open(await net(1));
      const events = record();
      const second = await net(2);
      const { drained } = await slot.swap(second);
      await drained;
      assert.deepEqual(
        events.map(([name, { version, source }]) => [name, version, source]),
        [
          ['loading', 2, second],
          ['warming', 2, second],
          ['swap', 2, second],
          ['drained', 1, path('net-1.pt')],
        ],
      );
      const elapsed = events.map(([, event]) => event.elapsed);
      assert.deepEqual(
        elapsed,
        elapsed.toSorted((a, b) => a - b),
      );
      assert.ok(elapsed[0]! >= 0 && elapsed[1]! > 0);
      const counts = events.map(([, event]) => event.memory.modules.count - modules);
      assert.deepEqual(counts, [1, 2, 1, 1]);
      assert.ok(events.every(([, event]) => event.memory.rss > 2 ** 20));
      assert.ok(events.every(([, event]) => event.memory.modules.bytes > 0));
    });

    it('activates the new model atomically: earlier calls use the previous one, later calls the new one', async () => {
      await open(await net(1));
      const second = await net(2);
      const seen: [number, Promise<Float32Array>][] = [];
      const call = () => seen.push([slot.version, outputOfSlot(slot) as Promise<Float32Array>]);
      slot.on('swap', () => {
        call();
        process.nextTick(call);
      });
      slot.on('warming', call);
      await slot.swap(second);
      call();
      await sleep(1);
      assert.deepEqual(
        seen.map(([version]) => version),
        [1, 2, 2, 2],
      );
      for (const [version, data] of seen) assert.deepEqual(await data, outputOf(version));
    });

    it("accepts a different kind of source from the active model's", async () => {
      await open(await net(1));
      await slot.swap(() => makeNet(2));
      assert.deepEqual(await outputOfSlot(slot), outputOf(2));
      await slot.swap(await classifier(1, 2));
      assert.equal((await slot.classify(image()))[0]!.index, 1);
      await slot.swap(await net(3), { check: () => true });
      assert.deepEqual(await outputOfSlot(slot), outputOf(3));
      assert.equal(slot.version, 4);
    });

    it('is unaffected by a listener that throws', async () => {
      const program = `
        const { ModelSlot } = require('./src/slot');
        const { makeNet } = require('./test/support/slot-models');
        process.on('uncaughtException', (error) => console.log(error.message));
        (async () => {
          const slot = await ModelSlot.open(() => makeNet(1));
          slot.on('loading', () => { throw new Error('a failing listener'); });
          slot.on('swap', () => { throw new Error('another'); });
          console.log((await slot.swap(() => makeNet(2))).version, slot.version);
          await slot.close();
        })();
      `;
      await open(await net(1));
      const { code, stdout } = await runNode(program);
      assert.deepEqual({ code, stdout }, { code: 0, stdout: 'a failing listener\n2 2\nanother\n' });
    });
  });

  describe('the warmup', () => {
    it('runs the model on inputs shaped like those of the last call', async () => {
      await open(await net(1));
      await outputOfSlot(slot);
      const shapes: unknown[] = [];
      const spy = await makeNet(2);
      const invoke = spy.invoke.bind(spy);
      spy.invoke = async (method, args, options) => {
        shapes.push([method, ...args.map((argument) => (argument as Tensor).shape)]);
        return await invoke(method, args, options);
      };
      await slot.swap(() => Promise.resolve(spy));
      assert.deepEqual(shapes, Array(4).fill(['forward', [1, 3, 2, 2]]));
    });

    it('skips a TorchScript module if the slot has not been called yet', async () => {
      await open(await net(1));
      await slot.swap(await saveSource(path('raises.pt'), raises));
      await assert.rejects(outputOfSlot(slot), { code: 'ERR_SEMISUP_SCRIPT' });
    });

    it('runs the model the specified number of times, or calls the given function', async () => {
      await open(await net(1));
      await outputOfSlot(slot);
      const file = await saveSource(path('raises.pt'), raises);
      await slot.swap(file, { warmup: 0, check: () => true });
      await slot.swap(await net(2), { check: () => true });
      const seen: unknown[] = [];
      await slot.swap(await net(3), {
        warmup: async (model, { signal }) => {
          using input = ones();
          using output = await model.forward(input);
          seen.push(await output.data(), signal.aborted);
        },
      });
      assert.deepEqual(seen, [outputOf(3), false]);
    });

    it('uses zeros for integer inputs', async () => {
      const lookUp = (table: string) =>
        `\ndef forward(self, i):\n    return torch.tensor([${table}])[i]\n`;
      await open(await saveSource(path('a.pt'), lookUp('1.0, 2.0')));
      using input = Tensor.from([1n]);
      (await slot.forward(input)).dispose();
      await slot.swap(await saveSource(path('b.pt'), lookUp('3.0')));
      assert.equal(slot.version, 2);
    });
  });

  describe('a failing swap', () => {
    it('reports the cause of a failed load', async () => {
      await open(await net(1));
      const error = await fails('LOAD', path('none.pt'));
      assert.equal((error.cause as SemisupError).code, 'ERR_SEMISUP_MODEL_NOT_FOUND');
      assert.equal(error.value, path('none.pt'));
      assert.match(error.message, /none\.pt/);
      await writeFile(path('text.pt'), 'not a model');
      const damaged = await fails('LOAD', path('text.pt'));
      assert.equal((damaged.cause as SemisupError).code, 'ERR_SEMISUP_MODEL_FORMAT');
      const reason = new Error('the source failed');
      assert.equal((await fails('LOAD', () => Promise.reject(reason))).cause, reason);
      const thrown = () => {
        throw reason;
      };
      assert.equal((await fails('LOAD', thrown)).cause, reason);
    });

    it('rejects the active model and values that are not models', async () => {
      const only = await makeNet(1);
      await open(() => Promise.resolve(only));
      const again = () => Promise.resolve(only);
      const error = await fails('LOAD', again);
      assert.equal(
        error.message,
        'again was not swapped in, because it returned the model that is already active. ' +
          'Return a new model. The previous model stays active.',
      );
      await fails('LOAD', (() => Promise.resolve(7)) as never);
    });

    it('reports the cause of a failed warmup', async () => {
      await open(await net(1));
      await outputOfSlot(slot);
      const file = await saveSource(path('raises.pt'), raises);
      const error = await fails('WARMUP', file);
      assert.equal((error.cause as SemisupError).code, 'ERR_SEMISUP_SCRIPT');
      assert.match(error.remedy, /pass a function 'warmup' that runs it on a valid input/);
      const reason = new Error('the warmup failed');
      const warmup = () => {
        throw reason;
      };
      const custom = await fails('WARMUP', await net(2), { warmup });
      assert.equal(custom.cause, reason);
      assert.match(custom.remedy, /^Correct the model or the function 'warmup'\./);
    });

    it('rejects an output that has a different shape or is not finite', async () => {
      await open(await net(1));
      await outputOfSlot(slot);
      await fails('CHECK', await net(NaN));
      await fails('CHECK', await net(Infinity));
      const error = await fails('CHECK', await classifier(0, 3));
      assert.match(error.message, /Expected tensors \[1, 2\] .* received \[1, 3\]/);
      const pair = '\ndef forward(self, x):\n    return x.new_zeros([1, 2]), x.new_zeros([1, 2])\n';
      await fails('CHECK', await saveSource(path('pair.pt'), pair));
    });

    it('rejects a classifier with a different number of classes, and a module that is not a classifier', async () => {
      await open(await classifier(0, 3));
      const classes = await fails('CHECK', await classifier(0, 4));
      assert.match(classes.message, /\[1, 4\]/);
      const kind = await fails('CHECK', await net(1));
      assert.match(kind.message, /is a TorchScript module/);
    });

    it('rejects a model for which a custom check returns false or throws', async () => {
      await open(await net(1));
      const second = await net(2);
      const checked: unknown[] = [];
      const rejectingCheck = async (model: unknown) => {
        checked.push(model);
        await sleep(1);
        return false;
      };
      await fails('CHECK', second, { check: rejectingCheck });
      assert.ok(checked[0] instanceof ScriptModule);
      const reason = new Error('worse than the previous model');
      const check = () => Promise.reject(reason);
      const error = await fails('CHECK', second, { check });
      assert.equal(error.cause, reason);
      assert.match(error.message, /worse than the previous model/);
      await slot.swap(second, { check: () => undefined });
      assert.equal(slot.version, 2);
    });

    it('emits failed with the error', async () => {
      await open(await net(1));
      const events = record();
      const error = await fails('CHECK', await net(2), { check: () => false });
      assert.deepEqual(
        events.map(([name]) => name),
        ['loading', 'warming', 'failed'],
      );
      const [, failed] = events.at(-1)!;
      assert.equal(failed.error, error);
      assert.equal(failed.version, 2);
      assert.equal(failed.source, path('net-2.pt'));
    });

    it('frees the loaded model', async () => {
      await open(await net(1));
      for (let i = 0; i < 3; i++) await fails('CHECK', await net(2), { check: () => false });
      await slot.close();
      assert.equal(memory().modules.count, modules);
    });

    it('rejects invalid options without emitting an event', async () => {
      await open(await net(1));
      const events = record();
      const second = await net(2);
      const invalid = [
        { warmup: -1 },
        { warmup: 'often' },
        { check: true },
        { timeout: 0 },
        { unknown: 1 },
      ];
      for (const options of invalid) {
        await assert.rejects(slot.swap(second, options as never), OptionError);
      }
      await assert.rejects(slot.swap(7 as never), OptionError);
      assert.deepEqual(events, []);
    });
  });

  describe('the timeout', () => {
    const never = () => new Promise<never>(() => undefined);

    it('aborts the swap at any stage', async () => {
      await open(await net(1));
      const second = await net(2);
      const load = await fails('TIMEOUT', never, { timeout: 20 });
      assert.match(load.message, /exceeded its time limit of 20 ms while loading the model\./);
      const warmup = await fails('TIMEOUT', second, { timeout: 300, warmup: never });
      assert.match(
        warmup.message,
        /exceeded its time limit of 300 ms while warming up the model\./,
      );
      const check = await fails('TIMEOUT', second, { timeout: 300, check: never });
      assert.match(check.message, /exceeded its time limit of 300 ms while checking the model\./);
    });

    it('includes the wait for a superseded swap to free its model', async () => {
      await open(await net(1));
      const third = await net(3);
      const model = await makeNet(2);
      const close = model.close.bind(model);
      model.close = () => sleep(300).then(() => close());
      const superseded = slot.swap(() => Promise.resolve(model), { warmup: never });
      const rejected = assert.rejects(superseded, { code: 'ERR_SEMISUP_SWAP_SUPERSEDED' });
      await once(slot, 'warming');
      const error = await fails('TIMEOUT', third, { timeout: 50 });
      assert.match(error.message, /limit of 50 ms while waiting for the previous swap to end\./);
      await rejected;
    });

    it('does not block the next swap', async () => {
      await open(await net(1));
      await fails('TIMEOUT', never, { timeout: 5 });
      await slot.swap(await net(2));
      assert.equal(slot.version, 2);
    });

    it('closes a model that finishes loading after the timeout', async () => {
      await open(await net(1));
      const late = await makeNet(2);
      const slow = () => sleep(40).then(() => late);
      await fails('TIMEOUT', slow, { timeout: 10 });
      await sleep(60);
      await assert.rejects(late.forward(ones()), DisposedError);
    });

    it('aborts the signal of the pending stage', async () => {
      await open(await net(1));
      let abortReason: unknown;
      const pending = ({ signal }: { signal: AbortSignal }) =>
        new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => {
            abortReason = signal.reason;
            reject(new Error('aborted'));
          });
        });
      const error = await fails('TIMEOUT', pending, { timeout: 10 });
      assert.equal(abortReason, error);
    });
  });

  describe('concurrent swaps', () => {
    it('activate the latest model and free the one that the earlier swap loaded', async () => {
      await open(await net(1));
      const events = record();
      const [second, third] = [await net(2), await net(3)];
      const earlier = assert.rejects(slot.swap(second), {
        name: 'SwapError',
        code: 'ERR_SEMISUP_SWAP_SUPERSEDED',
      });
      const { version, drained } = await slot.swap(third);
      await Promise.all([earlier, drained]);
      assert.equal(version, 2);
      assert.deepEqual(await outputOfSlot(slot), outputOf(3));
      assert.equal(memory().modules.count, modules + 1);
      assert.deepEqual(
        events.map(([name, { source }]) => [name, source]),
        [
          ['loading', second],
          ['failed', second],
          ['loading', third],
          ['warming', third],
          ['swap', third],
          ['drained', path('net-1.pt')],
        ],
      );
    });

    it('abort the earlier swap at any stage', async () => {
      await open(await net(1));
      const second = await net(2);
      const hang = (_: unknown, { signal }: { signal: AbortSignal }) =>
        new Promise<never>((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(new Error('aborted'));
          });
        });
      const attempts = [
        () => slot.swap((context) => hang(undefined, context)),
        () => slot.swap(second, { warmup: hang }),
        () => slot.swap(second, { check: hang }),
      ];
      for (const attempt of attempts) {
        const earlier = attempt();
        const rejected = assert.rejects(earlier, { code: 'ERR_SEMISUP_SWAP_SUPERSEDED' });
        await sleep(20);
        const { drained } = await slot.swap(await net(3), { check: () => true });
        await Promise.all([rejected, drained]);
        assert.equal(memory().modules.count, modules + 1);
      }
      assert.equal(slot.version, 4);
    });

    it('load one model at a time', async () => {
      await open(await net(1));
      const second = await net(2);
      let peak = 0;
      slot.on('warming', (event) => {
        peak = Math.max(peak, event.memory.modules.count - modules);
      });
      const swaps = Array.from({ length: 30 }, () => slot.swap(second));
      const outcomes = await Promise.allSettled(swaps);
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        [...Array<string>(29).fill('rejected'), 'fulfilled'],
      );
      assert.ok(peak <= 2, `${peak}`);
      assert.equal(slot.version, 2);
    });

    it('may be started by a listener', async () => {
      await open(await net(1));
      const third = await net(3);
      const second = await net(2);
      const nested = new Promise((resolve) => {
        slot.once('swap', () => {
          resolve(slot.swap(third));
        });
      });
      assert.equal((await slot.swap(second)).version, 2);
      await nested;
      assert.equal(slot.version, 3);
      assert.deepEqual(await outputOfSlot(slot), outputOf(3));
    });
  });

  describe('an aborted swap', () => {
    const reason = new Error('canceled');

    it('rejects with the reason of the signal, and the previous model stays active', async () => {
      await open(await net(1));
      const second = await net(2);
      const events = record();
      await assert.rejects(slot.swap(second, { signal: AbortSignal.abort(reason) }), reason);
      assert.equal(events.length, 0);
      const controller = new AbortController();
      slot.on('warming', () => {
        controller.abort(reason);
      });
      await assert.rejects(slot.swap(second, { signal: controller.signal }), reason);
      assert.deepEqual(await outputOfSlot(slot), outputOf(1));
      assert.equal(events.at(-1)![1].error, reason);
    });

    it('is not undone by an abort after activation', async () => {
      await open(await net(1));
      const controller = new AbortController();
      slot.on('swap', () => {
        controller.abort(reason);
      });
      await slot.swap(await net(2), { signal: controller.signal });
      assert.equal(slot.version, 2);
    });
  });

  describe('closing the slot', () => {
    it('aborts a swap at any stage and frees all models', async () => {
      await open(await net(1));
      const second = await net(2);
      for (const stage of ['loading', 'warming', 'swap', 'drained'] as const) {
        const closed = await ModelSlot.open(await net(1));
        const closing = new Promise<void>((resolve) => {
          closed.once(stage, () => {
            resolve(closed.close());
          });
        });
        const swap = closed.swap(second);
        if (stage === 'loading' || stage === 'warming') {
          await assert.rejects(swap, DisposedError);
        } else {
          await swap;
        }
        await closing;
        assert.equal(memory().modules.count, modules + 1, stage);
      }
    });

    it('waits for versions that still run calls', async () => {
      await open(await net(1));
      let completed = false;
      const held = slot.use(async () => {
        await sleep(40);
        completed = true;
      });
      await slot.swap(await net(2));
      await slot.close();
      assert.equal(completed, true);
      assert.equal(memory().modules.count, modules);
      await held;
    });

    it('happens at the end of `await using`', async () => {
      await open(await net(1));
      {
        await using inner = await ModelSlot.open(await net(2));
        assert.equal(inner.version, 1);
      }
      assert.equal(memory().modules.count, modules + 1);
    });
  });
});

const raises = `
def forward(self, x):
    return torch.matmul(torch.zeros([2, 2]), torch.zeros([3, 3]))
`;
