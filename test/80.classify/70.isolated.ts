import assert from 'node:assert/strict';
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Classifier, type ClassifierOpenOptions } from '../../src/classify';
import { IsolatedModule } from '../../src/classify/isolated-module';
import {
  DisposedError,
  ImageError,
  IsolationError,
  ModelError,
  OptionError,
  ScriptError,
} from '../../src/errors';
import { memory, Tensor } from '../../src/native';
import { image, saveClassifier, saveSource, side } from '../support/slot-models';
import { root } from '../support/run-node';
import { saveGeneratedModel } from '../support/generated-model';

const photo = join(root, 'examples', 'clock.jpg');
const isLinux = process.platform === 'linux';
/** What needs /proc, which exists on Linux only. */
const onLinux = (title: string, test: Mocha.AsyncFunc) =>
  isLinux ? it(title, test) : it.skip(`${title} (skipped: there is no /proc)`, test);

const classes = ['first', 'second'];
const transform = { resize: side, crop: side };

/** The source of a model of two classes, which runs `body` if the mean of the input is at least 0.5. */
const hostile = (body: string) => `
def forward(self, x):
    n = 0
    if float(x.mean()) >= 0.5:
${body.replaceAll(/^/gm, '        ')}
    return x.flatten(1)[:, :2] + float(n)
`;
/** Images for which a hostile model works, and misbehaves. */
const [harmless, trigger] = [image(0), image(255)];

/** The processes of isolated models that this process has started and that still exist, if only as zombies. */
function isolatedProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const status = readFileSync(`/proc/${name}/status`, 'utf8');
        if (!new RegExp(`^PPid:\\s${process.pid}$`, 'm').test(status)) return false;
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
        // A zombie has no command line.
        return command === '' || command.includes('isolated-child');
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe('an isolated classifier', function () {
  this.timeout(300_000);
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    await saveClassifier(join(directory, 'net.pt'), 1);
    await saveSource(join(directory, 'loop.pt'), hostile('while n >= 0:\n    n += 1'));
    await saveSource(
      join(directory, 'allocate.pt'),
      hostile(`kept = [x]
while n >= 0:
    kept.append(torch.full([256, 1024], float(n)))
    n = len(kept)`),
    );
    await saveSource(
      join(directory, 'crash.pt'),
      // Writes out of bounds, because the indices of an unsafe tensor are not checked.
      hostile(`index = torch.full([1, 1], 1 << 40, dtype=4)
n = int(torch._sparse_coo_tensor_unsafe(index, torch.ones([1]), [2]).to_dense().sum())`),
    );
    await saveSource(join(directory, 'raise.pt'), hostile(`assert n == 1, "no such class"`));
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const file = (name: string) => join(directory, name);
  const open = (name: string, options: ClassifierOpenOptions = {}) =>
    Classifier.open(file(name), { isolate: true, threads: 1, plan: 'untuned', ...options });
  const openHostile = (name: string, options: ClassifierOpenOptions = {}) =>
    open(name, { classes, transform, ...options });
  const moduleOf = (model: Classifier) => {
    assert.ok(model.module instanceof IsolatedModule);
    return model.module;
  };
  const pidOf = (model: Classifier) => moduleOf(model).pid!;
  /** Kills the process of a model, and waits until the model knows. */
  const kill = async (model: Classifier) => {
    const module = moduleOf(model);
    process.kill(module.pid!, 'SIGKILL');
    while (module.pid !== undefined) await sleep(10);
  };
  const score = async (model: Classifier) => (await model.classify(harmless))[0]!.score;

  describe('returns what a classifier in this process returns', () => {
    let model: Classifier;
    let isolated: Classifier;
    before(async () => {
      await saveGeneratedModel(file('resnet18.pt'), 'resnet18');
      const options = { threads: 1, plan: 'untuned' } as const;
      model = await Classifier.open(file('resnet18.pt'), options);
      isolated = await open('resnet18.pt');
    });
    after(async () => {
      await model.close();
      await isolated.close();
    });

    it('from classify and classifyDetailed', async () => {
      const images = [photo, await readFile(photo), image(40)];
      const expected = await model.classify(images, { topk: 1000 });
      assert.deepEqual(await isolated.classify(images, { topk: 1000 }), expected);
      const detailed = await isolated.classifyDetailed(photo, { topk: 1000 });
      assert.deepEqual(detailed.predictions, expected[0]);
      assert.ok(detailed.timings.forward > 0);
    });

    it('from embed, which plans another method', async () => {
      const expected = await model.embed([photo, image(40)]);
      assert.equal(expected[0]!.length, 512);
      assert.deepEqual(await isolated.embed([photo, image(40)]), expected);
    });

    it('from logits and forward', async () => {
      using expected = await model.logits([photo, image(40)]);
      using received = await isolated.logits([photo, image(40)]);
      assert.deepEqual(received.dataSync(), expected.dataSync());
      using input = Tensor.from(
        Float32Array.from({ length: 9 * 3 * 224 * 224 }, (_, i) => Math.sin(i)),
        [9, 3, 224, 224],
      );
      using expectedOutput = await model.forward(input);
      using output = await isolated.forward(input);
      assert.deepEqual(output.shape, [9, 1000]);
      assert.deepEqual(output.dataSync(), expectedOutput.dataSync());
    });

    it('as its metadata, classes and plan', () => {
      assert.deepEqual(isolated.metadata, model.metadata);
      assert.deepEqual(isolated.classes, model.classes);
      assert.deepEqual(isolated.plan, model.plan);
      assert.equal(isolated.plan.kind, 'planned');
    });

    it('for images that fail', async () => {
      const missing = join(directory, 'missing.jpg');
      await assert.rejects(isolated.classify([photo, missing]), ImageError);
      const results = await isolated.classify([missing, photo], { onError: 'return' });
      assert.ok(results[0] instanceof ImageError);
      assert.deepEqual(results[1], await model.classify(photo));
    });

    it('in int8 with a calibration', async () => {
      const options = {
        precision: 'int8',
        calibration: [photo],
        plan: 'untuned',
        threads: 1,
      } as const;
      let expected: Classifier;
      try {
        expected = await Classifier.open(file('resnet18.pt'), options);
      } catch (error) {
        // This processor has no VNNI: the error is the same.
        await assert.rejects(open('resnet18.pt', options), { message: (error as Error).message });
        return;
      }
      await using other = await open('resnet18.pt', options);
      assert.deepEqual(await other.classify(photo), await expected.classify(photo));
      await expected.close();
    });
  });

  it('opens bytes, which may change afterwards, and streams', async () => {
    const bytes = await readFile(file('net.pt'));
    await using fromBytes = await Classifier.open(bytes, { isolate: true, plan: 'untuned' });
    bytes.fill(0);
    await kill(fromBytes);
    assert.equal((await fromBytes.classify(image()))[0]!.index, 1);
    const stream = createReadStream(file('net.pt'));
    await using fromStream = await Classifier.open(stream, { isolate: true, plan: 'untuned' });
    assert.equal((await fromStream.classify(image()))[0]!.index, 1);
  });

  it('reports the errors of loading and of TorchScript like a classifier in this process', async () => {
    for (const name of ['missing.pt', 'raise.pt']) {
      const expected = await Classifier.open(file(name), { plan: 'untuned' }).catch(
        (e: unknown) => e,
      );
      assert.ok(expected instanceof ModelError);
      const { code, what } = expected;
      await assert.rejects(open(name), { name: 'ModelError', code, what });
    }
    const noArchive = join(root, 'package.json');
    await assert.rejects(
      Classifier.open(noArchive, { isolate: true }),
      (error) =>
        error instanceof ModelError && error.message.includes('could not be loaded as TorchScript'),
    );
    await using model = await openHostile('raise.pt');
    await assert.rejects(
      model.classify(trigger),
      (error) => error instanceof ScriptError && error.message.includes('no such class'),
    );
    assert.ok((await score(model)) > 0);
    await using other = await openHostile('raise.pt', { transform });
    await assert.rejects(other.forward(Tensor.from([1, 2])), ScriptError);
  });

  it('checks its options', async () => {
    const invalid: [unknown, RegExp][] = [
      ['yes', /Expected a boolean or \{ memory, milliseconds \} for isolate, but received 'yes'/],
      [{ memory: 0 }, /isolate\.memory, but received 0/],
      [{ milliseconds: 2 ** 31 }, /isolate\.milliseconds/],
      [{ time: 5 }, /isolate has no option 'time'/],
    ];
    for (const [isolate, message] of invalid) {
      await assert.rejects(
        open('net.pt', { isolate: isolate as boolean }),
        (error) => error instanceof OptionError && message.test(error.message),
      );
    }
    await assert.rejects(open('net.pt', { decode: 'gpu' }), /'cpu' for an isolated model/);
    await assert.rejects(open('net.pt', { precision: 'bfloat17' as 'int8' }), OptionError);
    await using model = await open('net.pt', { isolate: false });
    assert.ok(!(model.module instanceof IsolatedModule));
  });

  it('rejects another number of rows than of images', async () => {
    await saveSource(file('rows.pt'), hostile('x = torch.cat([x, x])'));
    for (const isolate of [true, false]) {
      await using model = await openHostile('rows.pt', { isolate });
      await assert.rejects(
        model.classify(trigger),
        (error) =>
          error instanceof ModelError &&
          error.message.includes('rows.pt returned 2 rows for 1 images'),
      );
    }
  });

  it('fails a call that exceeds the time limit, and starts again', async () => {
    await using model = await openHostile('loop.pt', { isolate: { milliseconds: 5000 } });
    const pid = pidOf(model);
    const expected = await score(model);
    const startTime = performance.now();
    await assert.rejects(model.classify(trigger), (error) => {
      assert.ok(error instanceof ScriptError);
      assert.equal(error.code, 'ERR_SEMISUP_TIMEOUT');
      assert.match(
        error.message,
        /loop\.pt did not finish a call within its time limit of 5000 ms/,
      );
      return true;
    });
    const elapsed = performance.now() - startTime;
    assert.ok(elapsed >= 4990 && elapsed < 30_000, `${elapsed} ms`);
    assert.equal(await score(model), expected);
    assert.notEqual(pidOf(model), pid);
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });

  onLinux('kills a model that exceeds the memory limit', async () => {
    const limit = 2 ** 30;
    await using model = await openHostile('allocate.pt', { isolate: { memory: limit } });
    const rss = process.memoryUsage.rss();
    await assert.rejects(model.classify(trigger), (error) => {
      assert.ok(error instanceof IsolationError);
      assert.equal(error.code, 'ERR_SEMISUP_ISOLATED_MEMORY');
      const bytes = error.value as number;
      assert.ok(bytes > limit && bytes < 3 * limit, `${bytes} bytes`);
      assert.match(error.message, /exceeded the limit of 1024 MiB\. Raise isolate\.memory/);
      return true;
    });
    assert.ok(process.memoryUsage.rss() < rss + limit / 4);
    assert.ok((await score(model)) > 0);
  });

  it('reports a crash with its signal, and starts again', async () => {
    await using model = await openHostile('crash.pt');
    const expected = await score(model);
    await assert.rejects(model.classify(trigger), (error) => {
      assert.ok(error instanceof IsolationError);
      assert.equal(error.code, 'ERR_SEMISUP_ISOLATED_EXIT');
      if (isLinux) assert.equal(error.value, 'SIGSEGV');
      assert.match(
        error.message,
        /crash\.pt was ended by the signal SIG.* The next call starts it again/s,
      );
      return true;
    });
    assert.equal(await score(model), expected);
  });

  it('rejects every pending call if its process is killed from outside, and answers later ones', async () => {
    await using model = await open('net.pt');
    for (let round = 0; round < 3; round++) {
      const calls = Array.from({ length: 40 }, async (_, i) => await model.classify(image(i)));
      await calls[0];
      process.kill(pidOf(model), 'SIGKILL');
      const results = await Promise.allSettled(calls);
      for (const result of results) {
        if (result.status === 'fulfilled') assert.equal(result.value[0]!.index, 1);
        else assert.ok(result.reason instanceof IsolationError, String(result.reason));
      }
      assert.equal((await model.classify(image()))[0]!.index, 1);
    }
  });

  it('does not start again with a file that was modified', async () => {
    await copyFile(file('net.pt'), file('changed.pt'));
    await using model = await open('changed.pt');
    await copyFile(file('loop.pt'), file('changed.pt'));
    await kill(model);
    await assert.rejects(
      model.classify(image()),
      (error) =>
        error instanceof ModelError && error.message.includes('modified after it was opened'),
    );
  });

  it('rejects calls and opening with the reason of a signal', async () => {
    const reason = new Error('never mind');
    await assert.rejects(open('net.pt', { signal: AbortSignal.abort(reason) }), reason);
    const opening = new AbortController();
    const opened = open('net.pt', { signal: opening.signal });
    setTimeout(() => {
      opening.abort(reason);
    }, 150);
    await assert.rejects(opened, reason);
    if (isLinux) assert.deepEqual(isolatedProcesses(), []);

    await using model = await openHostile('loop.pt', { isolate: { milliseconds: 5000 } });
    const calling = new AbortController();
    const call = model.classify(trigger, { signal: calling.signal });
    await sleep(200);
    calling.abort(reason);
    const startTime = performance.now();
    await assert.rejects(call, reason);
    assert.ok(performance.now() - startTime < 2000);
  });

  it('finishes pending calls when it is closed, and refuses later ones', async () => {
    const tensors = memory().tensors.count;
    const model = await open('net.pt');
    const pid = pidOf(model);
    const calls = Array.from({ length: 20 }, async () => await model.classify(image()));
    await Promise.all([model.close(), model.close()]);
    for (const [best] of await Promise.all(calls)) assert.equal(best!.index, 1);
    await assert.rejects(model.classify(image()), DisposedError);
    await assert.rejects(model.module.invoke('forward', []), DisposedError);
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    // Those of earlier tests may be collected meanwhile.
    assert.ok(memory().tensors.count <= tensors);
  });

  it('passes every kind of value, and the errors of arguments, by the module', async () => {
    await saveSource(
      file('values.pt'),
      `
def forward(self, x):
    return x.flatten(1)[:, :2]

def echo(self, x: Any) -> Any:
    return x
`,
    );
    await using model = await openHostile('values.pt');
    using tensor = Tensor.from([1n, -2n], [2], 'int64');
    const values = [
      ...[null, true, 3, 2.5, -0.5, NaN, -Infinity, 'text\u{1f600}', 2n ** 60n],
      ...[[1, 2], ['a', ['b']], { a: 1, __proto_: 'b' }, new Map([[1, 'x']])],
    ];
    for (const value of values) {
      assert.deepEqual(await model.module.invoke('echo', [value as string]), value);
    }
    using echoed = await model.module
      .invoke('echo', [{ deep: [tensor] }])
      .then((value) => (value as unknown as { deep: Tensor[] }).deep[0]!);
    assert.deepEqual(echoed.dataSync(), tensor.dataSync());
    await assert.rejects(model.module.invoke('echo', [(() => 1) as never]), OptionError);
    await assert.rejects(model.module.invoke('missing', []), ScriptError);
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    await assert.rejects(model.module.invoke('echo', [cyclic as never]), OptionError);
  });

  onLinux('passes on neither handles nor the environment nor flags', async () => {
    process.env.SEMISUP_TEST_SETTING = 'secret';
    try {
      await using model = await open('net.pt');
      const proc = (name: string) => `/proc/${pidOf(model)}/${name}`;
      const environment = readFileSync(proc('environ'), 'utf8');
      assert.doesNotMatch(environment, /SEMISUP_TEST_SETTING|NODE_OPTIONS/);
      assert.match(environment, /SEMISUP_LIBTORCH=/);
      const flags = readFileSync(proc('cmdline'), 'utf8').split('\0');
      assert.ok(flags.some((flag) => flag.startsWith('--max-old-space-size=')));
      assert.equal(readFileSync(proc('oom_score_adj'), 'utf8'), '1000\n');
    } finally {
      delete process.env.SEMISUP_TEST_SETTING;
    }
  });
});
