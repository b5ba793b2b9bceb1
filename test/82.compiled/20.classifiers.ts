import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import {
  Classifier,
  ModelError,
  ModelSlot,
  OptionError,
  ScriptModule,
  memory,
  type ModelOptions,
} from '../../src';
import { saveGeneratedModel } from '../support/generated-model';
import { noise } from '../support/pixels';
import { planExample, temporaryTuningCache } from '../support/plans';
import { selectChoices } from '../support/algorithms';

const image = noise(300, 260, 3);
const images = [image, noise(200, 400, 3), noise(224, 224, 1), image, noise(64, 64, 4)];

describe('a compiled classifier', function () {
  this.timeout(300_000);
  const cache = temporaryTuningCache();
  let directory: string;
  let torchScript: string;
  /** The compiled model in float32. */
  let file: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-compiled-'));
    torchScript = await saveGeneratedModel(join(directory, 'resnet18.pt'), 'resnet18');
    file = join(directory, 'resnet18.semisup');
    await using model = await Classifier.open(torchScript, { plan: 'untuned' });
    assert.equal(await model.compile(file), file);
  });
  after(async () => {
    await rm(directory, { recursive: true });
  });

  for (const precision of ['float32', 'int8'] as const) {
    it(`returns exactly the plan's results: ${precision}`, async () => {
      let path = file;
      {
        // Tunes both methods, and compiles the model as the plan of `forward` that computes its calls.
        await using tuned = await Classifier.open(torchScript, { precision });
        await tuned.embed(image);
        if (precision !== 'float32') path = await tuned.compile(join(cache.path, precision));
      }
      await using compiled = await Classifier.open(path);
      await selectChoices(cache.path, compiled.plan.choices!);
      await using model = await Classifier.open(torchScript, { precision });
      assert.deepEqual(compiled.metadata, model.metadata);
      assert.deepEqual(compiled.classes, model.classes);
      for (const count of [1, 2, 5]) {
        const some = images.slice(0, count);
        assert.deepEqual(
          await (await compiled.logits(some)).data(),
          await (await model.logits(some)).data(),
        );
        assert.deepEqual(await compiled.embed(some), await model.embed(some));
        assert.deepEqual(await compiled.classify(some), await model.classify(some));
      }
    });
  }

  it('states its plan', async () => {
    await using compiled = await Classifier.open(file);
    const { kind, device, precision, reason, choices } = compiled.plan;
    assert.deepEqual(
      { kind, device, precision },
      {
        kind: 'compiled',
        device: 'cpu',
        precision: 'float32',
      },
    );
    assert.match(reason, /^It was compiled for (avx2|avx512|neon) by semisup \d+\.\d+\.\d+\.$/);
    assert.equal(choices!.latency.algorithms.length, 20);
    assert.ok(!choices!.latency.algorithms.includes('onednn'));
  });

  it('has the methods share their weights', async () => {
    await using compiled = await Classifier.open(file);
    await using module = await ScriptModule.load(torchScript);
    const forward = join(cache.path, 'forward');
    await module.compile(forward, {
      ...{ methods: ['forward'], name: 'the model', precision: 'float32' },
      ...{ choices: compiled.plan.choices, example: planExample([3, 224, 224]) },
      describe: () => '{}',
    });
    const [both, one] = await Promise.all([stat(file), stat(forward)]);
    assert.ok(both.size < 1.01 * one.size, `${both.size} and ${one.size} bytes`);
  });

  it('opens from a URL, bytes and a stream, and by a slot', async () => {
    const first = await Classifier.open(file);
    const expected = await first.classify(image);
    await first.close();
    const bytes = await readFile(file);
    for (const source of [
      pathToFileURL(file),
      bytes,
      Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)]),
    ]) {
      await using compiled = await Classifier.open(source);
      assert.equal(compiled.plan.kind, 'compiled');
      assert.deepEqual(await compiled.classify(image), expected);
    }
    await using slot = await ModelSlot.open(file);
    assert.deepEqual(await slot.classify(image), expected);
    await slot.swap(torchScript);
    await slot.swap(file);
    assert.deepEqual(await slot.classify(image), expected);
  });

  it('maps its file, whose memory is freed when it is closed', async () => {
    const before = memory();
    const compiled = await Classifier.open(file);
    const { mappedFiles, compiledModels } = memory();
    assert.deepEqual(
      { mappedFiles, compiledModels },
      {
        mappedFiles: { count: 1, bytes: (await stat(file)).size },
        compiledModels: { count: 1, bytes: 0 },
      },
    );
    await compiled.classify(image);
    await compiled.close();
    assert.deepEqual(memory(), before);
  });

  it('classifies many images at a time, on several threads and with several instances', async () => {
    await using model = await Classifier.open(torchScript, { plan: 'untuned' });
    const expected = await Promise.all(images.map((one) => model.embed(one)));
    for (const options of [{ threads: 1 }, { threads: 2, instances: 2 }, { instances: 3 }]) {
      await using compiled = await Classifier.open(file, options);
      const rows = await Promise.all(
        Array.from({ length: 20 }, (_, i) => compiled.embed(images[i % images.length]!)),
      );
      for (const [i, row] of rows.entries()) {
        const wanted = expected[i % images.length]!;
        const largest = Math.max(...wanted.map(Math.abs));
        assert.ok(row.every((value, at) => Math.abs(value - wanted[at]!) < 1e-4 * largest));
      }
    }
  });

  it('is compiled in another precision than the model', async () => {
    await using model = await Classifier.open(torchScript, { plan: 'untuned' });
    const path = await model.compile(join(cache.path, 'int8'), { precision: 'int8' });
    await using compiled = await Classifier.open(path);
    assert.equal(compiled.plan.precision, 'int8');
    const [best] = await model.classify(image);
    const top = await compiled.classify(image);
    assert.ok(top.some(({ index }) => index === best!.index));
  });

  it('rejects options that concern how it is planned', async () => {
    const invalid: ModelOptions[] = [
      { precision: 'int8' },
      { plan: 'tune' },
      { plan: 'interpreter' },
      { device: 'cuda' },
      { decode: 'gpu' },
      { precision: 'auto', tolerance: 0.1 },
    ];
    for (const options of [...invalid, { isolate: true }]) {
      await assert.rejects(Classifier.open(file, options), (error) => {
        assert.ok(error instanceof OptionError, String(error));
        assert.match(error.message, / for a compiled model for \w+, but received /);
        return true;
      });
    }
    for (const options of [{ precision: 'float32' }, { precision: 'auto' }] as const) {
      await (await Classifier.open(file, options)).close();
    }
  });

  it('copies its file when it is compiled again, and only that', async () => {
    await using compiled = await Classifier.open(file);
    const copy = await compiled.compile(join(cache.path, 'copy'));
    assert.deepEqual(await readFile(copy), await readFile(file));
    await using ofBytes = await Classifier.open(await readFile(file));
    for (const compile of [
      () => compiled.compile(join(cache.path, 'int8'), { precision: 'int8' }),
      () => ofBytes.compile(join(cache.path, 'bytes')),
    ]) {
      await assert.rejects(compile(), { name: 'ModelError', code: 'ERR_SEMISUP_MODEL_KIND' });
    }
  });

  it('rejects unknown options and unwritable paths, and leaves no file', async () => {
    const path = join(cache.path, 'model');
    await using model = await Classifier.open(torchScript, { plan: 'untuned' });
    await assert.rejects(model.compile(path, { precison: 'int8' } as object), /precision/);
    await assert.rejects(model.compile(path, { precision: 'tf32' as 'int8' }), OptionError);
    await assert.rejects(model.compile(''), OptionError);
    const missing = join(cache.path, 'missing', 'model');
    await assert.rejects(model.compile(missing), (error) => {
      assert.ok(error instanceof ModelError && error.code === 'ERR_SEMISUP_MODEL_WRITE');
      assert.match(error.message, /missing.model' could not be written: .*ENOENT/);
      return true;
    });
    await assert.rejects(stat(path));
  });

  it('rejects calls after it was closed', async () => {
    const compiled = await Classifier.open(file);
    const running = compiled.classify(images);
    await compiled.close();
    assert.equal((await running).length, images.length);
    await assert.rejects(compiled.classify(image), { code: 'ERR_SEMISUP_DISPOSED' });
    await assert.rejects(compiled.compile(file), { code: 'ERR_SEMISUP_DISPOSED' });
  });
});
