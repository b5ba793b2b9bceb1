import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { ModelError, OptionError } from '../../src/errors';
import { memory, Tensor } from '../../src/native';
import { ScriptModule, type ScriptModuleOptions } from '../../src/torch';
import type { ArchiveSource } from '../../src/torch';
import { runNode } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';
import { fixture, legible, loadFixture } from '../support/torchscript';

const extraFiles = {
  'config.json': '{"input": [1, 3]}',
  'labels/ünï.txt': 'kätze\nhund\n',
  empty: '',
};

/** The output of the module `notes` for [2, 4]. */
async function outputOf(module: ScriptModule): Promise<Float32Array> {
  using input = Tensor.from([2, 4], [1, 2]);
  using output = await module.forward(input);
  return await output.toFloat32();
}

describe('ScriptModule.load', () => {
  const directory = temporaryDirectory();
  let bytes: Uint8Array;
  before(async () => {
    bytes = await readFile(fixture('notes'));
  });

  it('accepts a path, a file URL, bytes or a stream and reads the extra files', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    const padded = new Uint8Array(bytes.length + 20);
    padded.set(bytes, 7);
    const sources: ArchiveSource[] = [
      fixture('notes'),
      pathToFileURL(fixture('notes')),
      bytes,
      shared,
      padded.subarray(7, 7 + bytes.length),
      createReadStream(fixture('notes'), { highWaterMark: 100 }),
      Readable.from([bytes.subarray(0, 1), bytes.subarray(1)]),
      new Blob([bytes]).stream() as unknown as Readable,
    ];
    for (const source of sources) {
      await using module = await ScriptModule.load(source);
      assert.deepEqual(await outputOf(module), new Float32Array([-5]));
      assert.deepEqual(module.extraFiles, extraFiles);
    }
    for (const source of sources.slice(0, 5)) {
      await using module = ScriptModule.loadSync(source as string);
      assert.deepEqual(await outputOf(module), new Float32Array([-5]));
      assert.deepEqual(module.extraFiles, extraFiles);
    }
  });

  it('does not use the bytes after it resolves', async () => {
    const copy = Uint8Array.from(bytes);
    await using module = await ScriptModule.load(copy);
    copy.fill(0);
    assert.deepEqual(await outputOf(module), new Float32Array([-5]));
  });

  it('switches a module saved in training mode to eval mode', async () => {
    await using module = await loadFixture('scripted');
    assert.equal(await module.attribute('dropout.training'), false);
  });

  describe('options', () => {
    it('convert only floating-point tensors to the dtype', async () => {
      for (const dtype of ['float64', 'float16', 'bfloat16', 'float32'] as const) {
        await using module = await loadFixture('state', { dtype });
        const state = await module.stateDict();
        const dtypes = Object.entries(state).map(([name, tensor]) => [name, tensor.dtype]);
        assert.deepEqual(Object.fromEntries(dtypes), {
          weight: dtype,
          'inner.weight': dtype,
          total: dtype,
          mean: dtype,
          'inner.steps': 'int64',
        });
        assert.deepEqual(await state.weight!.toFloat32(), new Float32Array([1, 2, 3, 4]));
      }
    });

    it('freeze the weights without changing the outputs', async () => {
      await using plain = await loadFixture('scripted');
      await using frozen = await loadFixture('scripted', { freeze: true });
      assert.deepEqual(Object.keys(await frozen.stateDict()), []);
      assert.deepEqual(Object.keys(frozen.methods), Object.keys(plain.methods));
      using x = Tensor.from([1, -2, 0.3, -4, 5, 6], [2, 3]);
      for (const [method, ...args] of [['forward', x] as const, ['repeat', x, 9] as const]) {
        const expected = await plain.call(method, ...args);
        assert.deepEqual(legible(await frozen.call(method, ...args)), legible(expected));
      }
      const path = join(directory.path, 'frozen.pt');
      await frozen.save(path);
      await using reloaded = ScriptModule.loadSync(path, { freeze: true, dtype: 'float32' });
      assert.deepEqual(legible(await reloaded.forward(x)), legible(await plain.forward(x)));
    });

    it('freeze and convert to another dtype', async () => {
      await using module = await ScriptModule.load(bytes, { freeze: true, dtype: 'float64' });
      using input = Tensor.from([2, 4], [1, 2], 'float64');
      using output = await module.forward(input);
      assert.deepEqual(output.dataSync(), new Float64Array([-5]));
    });

    it('run several calls concurrently', async () => {
      // The second call is much shorter, so it completes first only if both run concurrently.
      await using module = await loadFixture('slow', { instances: 2, threads: 1 });
      const order: number[] = [];
      await Promise.all(
        [20_000, 1].map(async (rounds) => {
          await module.call('forward', 0, rounds);
          order.push(rounds);
        }),
      );
      assert.deepEqual(order, [1, 20_000]);
    });

    it('are rejected if a value is invalid or a name is unknown', async () => {
      for (const options of [
        { threads: 0 },
        { threads: 1025 },
        { threads: 1.5 },
        { threads: '2' },
        { threads: null },
        { instances: 0 },
        { instances: -1 },
        { instances: NaN },
        { instances: 2n },
        { dtype: 'int8' },
        { dtype: 'double' },
        { dtype: ['float32'] },
        { freeze: 1 },
        { freeze: 'yes' },
        null,
        'cpu',
        [],
      ] as unknown as ScriptModuleOptions[]) {
        const expected = { name: 'OptionError', code: 'ERR_SEMISUP_OPTION_VALUE' };
        await assert.rejects(ScriptModule.load(bytes, options), expected);
        assert.throws(() => ScriptModule.loadSync(bytes, options), expected);
      }
      for (const [options, remedy] of [
        [{ thread: 1 }, `Did you mean 'threads'?`],
        [{ freezes: true }, `Did you mean 'freeze'?`],
      ] as [object, string][]) {
        const expected = { code: 'ERR_SEMISUP_OPTION_UNKNOWN', remedy };
        await assert.rejects(ScriptModule.load(bytes, options), expected);
        assert.throws(() => ScriptModule.loadSync(bytes, options), expected);
      }
      await assert.rejects(ScriptModule.load(bytes, { signal: {} as AbortSignal }), OptionError);
    });
  });

  describe('abort', () => {
    const reason = new Error('never mind');

    it('does not read the source if the signal is already aborted', async () => {
      const stream = Readable.from([bytes]);
      const signal = AbortSignal.abort(reason);
      await assert.rejects(ScriptModule.load(stream, { signal }), reason);
      assert.equal(stream.readableDidRead, false);
    });

    it('rejects with the reason at any time and releases the module', async () => {
      await (await ScriptModule.load(bytes)).close();
      const before = memory().modules.count;
      for (const delay of [-1, 0, 1, 2, 5]) {
        const controller = new AbortController();
        const loading = ScriptModule.load(fixture('values'), { signal: controller.signal });
        if (delay >= 0) await Promise.race([sleep(delay), loading]);
        controller.abort(reason);
        await loading.then(
          (module) => module.close(),
          (error: unknown) => {
            assert.equal(error, reason);
          },
        );
      }
      // Aborted loads still complete in the background, after which their modules are closed.
      for (let i = 0; i < 100; i++) {
        await sleep(1);
        assert.ok(memory().modules.count <= before);
      }
    });

    it('destroys the stream', async () => {
      const controller = new AbortController();
      const stream = new Readable({ read: () => undefined });
      const loading = ScriptModule.load(stream, { signal: controller.signal });
      stream.push(bytes.subarray(0, 100));
      await sleep(1);
      controller.abort(reason);
      await assert.rejects(loading, reason);
      assert.equal(stream.destroyed, true);
    });

    it('has no effect after load resolves', async () => {
      const controller = new AbortController();
      await using module = await ScriptModule.load(bytes, { signal: controller.signal });
      controller.abort(reason);
      assert.deepEqual(await outputOf(module), new Float32Array([-5]));
    });
  });

  describe('rejects', () => {
    /** Asserts that load and loadSync report the path and a remedy. */
    async function assertRejected(path: string, code: string): Promise<void> {
      const expected = (error: unknown) => {
        assert.ok(error instanceof ModelError);
        assert.equal(error.code, code);
        assert.equal(error.value, path);
        assert.ok(error.what.includes(path) && error.remedy !== '');
        return true;
      };
      await assert.rejects(ScriptModule.load(path), expected);
      assert.throws(() => ScriptModule.loadSync(path), expected);
    }

    it('values that are not archive sources', async () => {
      for (const source of [
        '',
        'a\0b.pt',
        null,
        undefined,
        7,
        {},
        new ArrayBuffer(4),
        new Float32Array(4),
        new URL('http://localhost/model.pt'),
        new URL('file://host/%2F'),
      ] as string[]) {
        await assert.rejects(ScriptModule.load(source), OptionError);
        assert.throws(() => ScriptModule.loadSync(source), OptionError);
      }
      const stream = Readable.from([bytes]) as unknown as string;
      assert.throws(() => ScriptModule.loadSync(stream), OptionError);
      await assert.rejects(ScriptModule.load(Readable.from(['text'])), OptionError);
    });

    it('a stream that fails and reports its error', async () => {
      const failing = Readable.from(
        (async function* () {
          await sleep(1);
          yield bytes.subarray(0, 100);
          throw new Error('the line is cut');
        })(),
      );
      await assert.rejects(ScriptModule.load(failing), {
        code: 'ERR_SEMISUP_MODEL_NOT_FOUND',
        what: 'The model stream could not be read: the line is cut.',
      });
    });

    it('a missing file, a directory and an empty file', async () => {
      await assertRejected(join(directory.path, 'missing.pt'), 'ERR_SEMISUP_MODEL_NOT_FOUND');
      await assertRejected(join(directory.path, 'no', 'folder.pt'), 'ERR_SEMISUP_MODEL_NOT_FOUND');
      await assertRejected(directory.path, 'ERR_SEMISUP_MODEL_NOT_FOUND');
      const empty = join(directory.path, 'empty.pt');
      await writeFile(empty, '');
      await assertRejected(empty, 'ERR_SEMISUP_MODEL_FORMAT');
    });

    it('transferred and empty buffers', async () => {
      const transferred = Uint8Array.from(bytes);
      structuredClone(transferred.buffer, { transfer: [transferred.buffer] });
      for (const empty of [transferred, new Uint8Array(), Readable.from([])]) {
        await assert.rejects(ScriptModule.load(empty), {
          code: 'ERR_SEMISUP_MODEL_FORMAT',
          what: /^The buffer of 0 bytes could not be loaded/,
        });
      }
    });

    it('an archive truncated at any length', async () => {
      const path = join(directory.path, 'cut.pt');
      await writeFile(path, bytes);
      for (let length = bytes.length - 1; length > 0; length -= 97) {
        await truncate(path, length);
        await assertRejected(path, 'ERR_SEMISUP_MODEL_FORMAT');
      }
    });

    it('corrupt archives, if at all, only with a ModelError', async function () {
      this.timeout(300_000);
      // LibTorch does not verify checksums, so many corrupt archives load.
      const { code, signal, stdout } = await runNode(`
        const { readFileSync } = require('node:fs');
        const { ScriptModule } = require('./src/torch');
        const { Tensor, memory } = require('./src/native');
        const { ModelError, ScriptError } = require('./src/errors');
        const { fixture } = require('./test/support/torchscript');
        (async () => {
          const bytes = readFileSync(fixture('notes'));
          const input = Tensor.from([2, 4], [1, 2]);
          const counts = { loaded: 0, rejected: 0 };
          for (let at = 0; at < bytes.length; at++) {
            const damaged = Uint8Array.from(bytes);
            damaged[at] ^= 1 << at % 8;
            try {
              const module = await ScriptModule.load(damaged);
              counts.loaded++;
              await module.stateDict();
              if (module.methods.forward) {
                await module.forward(input).catch((error) => {
                  if (!(error instanceof ScriptError)) throw error;
                });
              }
              await module.close();
            } catch (error) {
              if (!(error instanceof ModelError)) throw error;
              counts.rejected++;
            }
          }
          const returns = (await ScriptModule.load(bytes)).methods.forward.returns;
          console.log(JSON.stringify({ ...counts, returns, modules: memory().modules.count }));
        })();
      `);
      assert.deepEqual({ code, signal }, { code: 0, signal: null });
      const { loaded, rejected, ...rest } = JSON.parse(stdout) as Record<string, number | string>;
      assert.equal(Number(loaded) + Number(rejected), bytes.length);
      assert.ok(Number(rejected) > bytes.length / 4, `${rejected} were rejected`);
      assert.deepEqual(rest, { returns: 'Tensor', modules: 1 });
    });
  });
});
