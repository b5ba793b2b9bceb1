import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DisposedError, OptionError, SemisupError, SwapError } from '../../src/errors';
import { ModelSlot, type SwapEvent, type SwapFailure, type SwapOptions } from '../../src/slot';
import { memory, ScriptModule, Tensor } from '../../src/torch';
import {
  answerOf,
  image,
  makeNet,
  ones,
  saveClassifier,
  saveNet,
  saveSource,
} from '../support/slot-models';
import { temporaryFolder } from '../support/temporary';
import { runNode } from '../support/run-node';

describe('slot.swap', () => {
  const folder = temporaryFolder();
  const path = (name: string) => join(folder.path, name);
  const net = (scale: number) => saveNet(path(`net-${scale}.pt`), scale);
  const classifier = (favourite: number, classes?: number) =>
    saveClassifier(path(`classifier-${favourite}-${classes}.pt`), favourite, classes);

  const answer = async (slot: ModelSlot) => {
    using input = ones();
    using output = await slot.forward(input);
    return await output.data();
  };

  /** Opens a slot, and closes it after the test, by when no module may be left. */
  let slot: ModelSlot;
  let modules: number;
  const open = async (...args: Parameters<typeof ModelSlot.open>) => {
    slot = await ModelSlot.open(...args);
    return slot;
  };
  beforeEach(() => {
    modules = memory().modules.count;
  });
  afterEach(async () => {
    await slot.close();
    assert.equal(memory().modules.count, modules);
  });

  /** The names of the events that a slot emits from now on, with their payload. */
  const record = () => {
    const events: [string, SwapEvent & Partial<SwapFailure>][] = [];
    for (const name of ['loading', 'warming', 'swap', 'drained', 'failed'] as const) {
      (slot as EventEmitter).on(name, (event: SwapEvent) => events.push([name, event]));
    }
    return events;
  };

  /** Asserts that a swap fails at a stage, and that the old model serves on. */
  const fails = async (
    stage: string,
    source: Parameters<ModelSlot['swap']>[0],
    options?: SwapOptions,
  ): Promise<SwapError> => {
    const { version } = slot;
    const before = await answer(slot);
    const [error] = await Promise.all([
      slot.swap(source, options).then(
        () => assert.fail('the swap did not fail'),
        (reason: unknown) => reason,
      ),
    ]);
    assert.ok(error instanceof SwapError, String(error));
    assert.equal(error.code, `ERR_SEMISUP_SWAP_${stage}`);
    assert.equal(slot.version, version);
    assert.deepEqual(await answer(slot), before);
    return error;
  };

  describe('that succeeds', () => {
    it('switches to the new model, and frees the old one', async () => {
      await open(await net(1));
      assert.deepEqual(await answer(slot), answerOf(1));
      const count = memory().modules.count;
      const second = await net(2);
      const swapped = await slot.swap(second);
      assert.equal(swapped.version, 2);
      assert.equal(swapped.source, second);
      assert.equal(slot.version, 2);
      assert.equal(slot.source, second);
      assert.deepEqual(await answer(slot), answerOf(2));
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

    it('is over in one tick: what comes before asks the old model, what comes after the new one', async () => {
      await open(await net(1));
      const second = await net(2);
      const seen: [number, Promise<Float32Array>][] = [];
      const ask = () => seen.push([slot.version, answer(slot) as Promise<Float32Array>]);
      slot.on('swap', () => {
        ask();
        process.nextTick(ask);
      });
      slot.on('warming', ask);
      await slot.swap(second);
      ask();
      await sleep(1);
      assert.deepEqual(
        seen.map(([version]) => version),
        [1, 2, 2, 2],
      );
      for (const [version, data] of seen) assert.deepEqual(await data, answerOf(version));
    });

    it('goes from any kind of source to any other', async () => {
      await open(await net(1));
      await slot.swap(() => makeNet(2));
      assert.deepEqual(await answer(slot), answerOf(2));
      await slot.swap(await classifier(1, 2));
      assert.equal((await slot.classify(image()))[0]!.index, 1);
      await slot.swap(await net(3), { check: () => true });
      assert.deepEqual(await answer(slot), answerOf(3));
      assert.equal(slot.version, 4);
    });

    it('is not undone by a listener that throws', async () => {
      const program = `
        const { ModelSlot } = require('./src/slot');
        const { makeNet } = require('./test/support/slot-models');
        process.on('uncaughtException', (error) => console.log(error.message));
        (async () => {
          const slot = await ModelSlot.open(() => makeNet(1));
          slot.on('loading', () => { throw new Error('a bad listener'); });
          slot.on('swap', () => { throw new Error('another'); });
          console.log((await slot.swap(() => makeNet(2))).version, slot.version);
          await slot.close();
        })();
      `;
      await open(await net(1));
      const { code, stdout } = await runNode(program);
      assert.deepEqual({ code, stdout }, { code: 0, stdout: 'a bad listener\n2 2\nanother\n' });
    });
  });

  describe('warming up', () => {
    it('runs the model thrice on what the last request looked like', async () => {
      await open(await net(1));
      await answer(slot);
      const shapes: unknown[] = [];
      const spied = await makeNet(2);
      const invoke = spied.invoke.bind(spied);
      spied.invoke = async (method, args, options) => {
        shapes.push([method, ...args.map((argument) => (argument as Tensor).shape)]);
        return await invoke(method, args, options);
      };
      await slot.swap(() => Promise.resolve(spied));
      assert.deepEqual(shapes, Array(4).fill(['forward', [1, 3, 2, 2]]));
    });

    it('does not run a bare module of which it knows no input', async () => {
      await open(await net(1));
      await slot.swap(await saveSource(path('raises.pt'), raises));
      await assert.rejects(answer(slot), { code: 'ERR_SEMISUP_SCRIPT' });
    });

    it('runs as often as it is told to, or as a function does', async () => {
      await open(await net(1));
      await answer(slot);
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
      assert.deepEqual(seen, [answerOf(3), false]);
    });

    it('takes zeros for whole numbers', async () => {
      const lookUp = (table: string) =>
        `\ndef forward(self, i):\n    return torch.tensor([${table}])[i]\n`;
      await open(await saveSource(path('a.pt'), lookUp('1.0, 2.0')));
      using input = Tensor.from([1n]);
      (await slot.forward(input)).dispose();
      await slot.swap(await saveSource(path('b.pt'), lookUp('3.0')));
      assert.equal(slot.version, 2);
    });
  });

  describe('that fails', () => {
    it('to load says so, with the cause', async () => {
      await open(await net(1));
      const error = await fails('LOAD', path('none.pt'));
      assert.equal((error.cause as SemisupError).code, 'ERR_SEMISUP_MODEL_NOT_FOUND');
      assert.equal(error.value, path('none.pt'));
      assert.match(error.message, /none\.pt/);
      await writeFile(path('text.pt'), 'no model');
      const damaged = await fails('LOAD', path('text.pt'));
      assert.equal((damaged.cause as SemisupError).code, 'ERR_SEMISUP_MODEL_FORMAT');
      const reason = new Error('no model today');
      assert.equal((await fails('LOAD', () => Promise.reject(reason))).cause, reason);
      const thrown = () => {
        throw reason;
      };
      assert.equal((await fails('LOAD', thrown)).cause, reason);
    });

    it('to load if it would be the model that serves already', async () => {
      const only = await makeNet(1);
      await open(() => Promise.resolve(only));
      await fails('LOAD', () => Promise.resolve(only));
      await fails('LOAD', (() => Promise.resolve(7)) as never);
    });

    it('to warm up says so, with the cause', async () => {
      await open(await net(1));
      await answer(slot);
      const file = await saveSource(path('raises.pt'), raises);
      const error = await fails('WARMUP', file);
      assert.equal((error.cause as SemisupError).code, 'ERR_SEMISUP_SCRIPT');
      const reason = new Error('too cold');
      const warmup = () => {
        throw reason;
      };
      assert.equal((await fails('WARMUP', await net(2), { warmup })).cause, reason);
    });

    it('its check for an answer of another shape, or none that is finite', async () => {
      await open(await net(1));
      await answer(slot);
      await fails('CHECK', await net(NaN));
      await fails('CHECK', await net(Infinity));
      const error = await fails('CHECK', await classifier(0, 3));
      assert.match(error.message, /Expected tensors \[1, 2\] .* received \[1, 3\]/);
      const pair = '\ndef forward(self, x):\n    return x.new_zeros([1, 2]), x.new_zeros([1, 2])\n';
      await fails('CHECK', await saveSource(path('pair.pt'), pair));
    });

    it('its check for another number of classes, or for not being a classifier', async () => {
      await open(await classifier(0, 3));
      const classes = await fails('CHECK', await classifier(0, 4));
      assert.match(classes.message, /\[1, 4\]/);
      const kind = await fails('CHECK', await net(1));
      assert.match(kind.message, /is a TorchScript module/);
    });

    it('a check of one’s own by false or by throwing', async () => {
      await open(await net(1));
      const second = await net(2);
      const checked: unknown[] = [];
      const refuse = async (model: unknown) => {
        checked.push(model);
        await sleep(1);
        return false;
      };
      await fails('CHECK', second, { check: refuse });
      assert.ok(checked[0] instanceof ScriptModule);
      const reason = new Error('worse than the old one');
      const check = () => Promise.reject(reason);
      const error = await fails('CHECK', second, { check });
      assert.equal(error.cause, reason);
      assert.match(error.message, /worse than the old one/);
      await slot.swap(second, { check: () => undefined });
      assert.equal(slot.version, 2);
    });

    it('emits failed, with the error', async () => {
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

    it('frees the model that it loaded', async () => {
      await open(await net(1));
      for (let i = 0; i < 3; i++) await fails('CHECK', await net(2), { check: () => false });
      await slot.close();
      assert.equal(memory().modules.count, modules);
    });

    it('for wrong options does nothing at all', async () => {
      await open(await net(1));
      const events = record();
      const second = await net(2);
      const wrong = [
        { warmup: -1 },
        { warmup: 'hot' },
        { check: true },
        { timeout: 0 },
        { sugar: 1 },
      ];
      for (const options of wrong) {
        await assert.rejects(slot.swap(second, options as never), OptionError);
      }
      await assert.rejects(slot.swap(7 as never), OptionError);
      assert.deepEqual(events, []);
    });
  });

  describe('that takes too long', () => {
    const never = () => new Promise<never>(() => undefined);

    it('is given up at each stage', async () => {
      await open(await net(1));
      const second = await net(2);
      const load = await fails('TIMEOUT', never, { timeout: 20 });
      assert.match(load.message, /did not load within 20 ms/);
      const warmup = await fails('TIMEOUT', second, { timeout: 300, warmup: never });
      assert.match(warmup.message, /before it did warm up/);
      const check = await fails('TIMEOUT', second, { timeout: 300, check: never });
      assert.match(check.message, /before it did pass its check/);
    });

    it('does not hold up the one after it', async () => {
      await open(await net(1));
      await fails('TIMEOUT', never, { timeout: 5 });
      await slot.swap(await net(2));
      assert.equal(slot.version, 2);
    });

    it('closes a model that comes too late', async () => {
      await open(await net(1));
      const late = await makeNet(2);
      const slow = () => sleep(40).then(() => late);
      await fails('TIMEOUT', slow, { timeout: 10 });
      await sleep(60);
      await assert.rejects(late.forward(ones()), DisposedError);
    });

    it('tells what it is waiting for by its signal', async () => {
      await open(await net(1));
      let told: unknown;
      const patient = ({ signal }: { signal: AbortSignal }) =>
        new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => {
            told = signal.reason;
            reject(new Error('given up'));
          });
        });
      const error = await fails('TIMEOUT', patient, { timeout: 10 });
      assert.equal(told, error);
    });
  });

  describe('of two at once', () => {
    it('lets the later one win, and frees what the earlier one has loaded', async () => {
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
      assert.deepEqual(await answer(slot), answerOf(3));
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

    it('gives the earlier one up at whatever stage it is', async () => {
      await open(await net(1));
      const second = await net(2);
      const hang = (_: unknown, { signal }: { signal: AbortSignal }) =>
        new Promise<never>((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(new Error('given up'));
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

    it('loads no more than one at a time, of however many', async () => {
      await open(await net(1));
      const second = await net(2);
      let most = 0;
      slot.on('warming', (event) => {
        most = Math.max(most, event.memory.modules.count - modules);
      });
      const swaps = Array.from({ length: 30 }, () => slot.swap(second));
      const outcomes = await Promise.allSettled(swaps);
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        [...Array<string>(29).fill('rejected'), 'fulfilled'],
      );
      assert.ok(most <= 2, `${most}`);
      assert.equal(slot.version, 2);
    });

    it('may be asked for by a listener', async () => {
      await open(await net(1));
      const third = await net(3);
      const second = await net(2);
      const followed = new Promise((resolve) => {
        slot.once('swap', () => {
          resolve(slot.swap(third));
        });
      });
      assert.equal((await slot.swap(second)).version, 2);
      await followed;
      assert.equal(slot.version, 3);
      assert.deepEqual(await answer(slot), answerOf(3));
    });
  });

  describe('that is aborted', () => {
    const reason = new Error('changed my mind');

    it('rejects with the signal’s reason, and the old model serves on', async () => {
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
      assert.deepEqual(await answer(slot), answerOf(1));
      assert.equal(events.at(-1)![1].error, reason);
    });

    it('after the switch is not undone', async () => {
      await open(await net(1));
      const controller = new AbortController();
      slot.on('swap', () => {
        controller.abort(reason);
      });
      await slot.swap(await net(2), { signal: controller.signal });
      assert.equal(slot.version, 2);
    });
  });

  describe('when the slot is closed', () => {
    it('is given up, and leaves nothing behind', async () => {
      await open(await net(1));
      const second = await net(2);
      for (const stage of ['loading', 'warming', 'swap', 'drained'] as const) {
        const one = await ModelSlot.open(await net(1));
        const closing = new Promise<void>((resolve) => {
          one.once(stage, () => {
            resolve(one.close());
          });
        });
        const swap = one.swap(second);
        if (stage === 'loading' || stage === 'warming') {
          await assert.rejects(swap, DisposedError);
        } else {
          await swap;
        }
        await closing;
        assert.equal(memory().modules.count, modules + 1, stage);
      }
    });

    it('waits for the versions that drain', async () => {
      await open(await net(1));
      let answered = false;
      const held = slot.use(async () => {
        await sleep(40);
        answered = true;
      });
      await slot.swap(await net(2));
      await slot.close();
      assert.equal(answered, true);
      assert.equal(memory().modules.count, modules);
      await held;
    });

    it('is closed by `await using`', async () => {
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
