import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Classifier, type ClassifierOpenOptions } from '../../src/classify';
import { OptionError } from '../../src/errors';
import { deadLeavesImages } from '../../src/image';
import { memory, type Tensor } from '../../src/native';
import { openNative, type Plan, openExecutor } from '../../src/torch';
import type { Pixels } from '../../src/types';
import { syntheticImages } from '../support/convolutions';
import { setEnvironment, temporaryEnvironment } from '../support/environment';
import { saveGeneratedModel } from '../support/generated-model';
import { noise } from '../support/pixels';
import { image, saveClassifier } from '../support/slot-models';
import { temporaryDirectory } from '../support/temporary';

/** Basic blocks, and bottlenecks of grouped convolutions. `npm run test:compiled` runs all architectures. */
const architectures = ['resnet18', 'resnext50_32x4d'] as const;

describe('the plan of a classifier', function () {
  this.timeout(120_000);
  const cache = temporaryDirectory();
  let models: string;
  const modelOf = (architecture: string) => join(models, `${architecture}.pt`);

  // LibTorch may be in the cache, so it is opened before the cache directory changes.
  before(async () => {
    await (await openExecutor()).close();
    models = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    await saveClassifier(modelOf('small'), 1);
    for (const architecture of architectures) {
      await saveGeneratedModel(modelOf(architecture), architecture);
    }
  });
  after(() => rm(models, { recursive: true, force: true }));
  temporaryEnvironment(() => ({ XDG_CACHE_HOME: cache.path }));

  const plans = () => join(cache.path, 'semisup', 'plans');
  const planOf = async (options: ClassifierOpenOptions, architecture = 'small'): Promise<Plan> => {
    await using model = await Classifier.open(modelOf(architecture), options);
    return model.plan;
  };

  describe('options', () => {
    for (const [title, options, message] of [
      ['an unknown precision', { precision: 'float8' }, /for precision, but received 'float8'/],
      ['an unknown plan', { plan: 'fastest' }, /for plan, but received 'fastest'/],
      ['bfloat16 without a plan', { precision: 'bfloat16', plan: 'interpreter' }, /'float32'/],
      ['int8 without a plan', { precision: 'int8', plan: 'interpreter' }, /'float32'/],
      [
        'calibration images with precision float32',
        { calibration: [image()] },
        /'int8' or 'auto' with a calibration/,
      ],
      ['a tolerance with precision float32', { tolerance: 0.1 }, /'auto' with a tolerance/],
      [
        'a tolerance of 1',
        { precision: 'auto', tolerance: 1 },
        /at least 0 and less than 1 for tolerance, but/,
      ],
      [
        'a tolerance that is not a number',
        { precision: 'auto', tolerance: '1 %' },
        /at least 0 and less than 1 for tolerance, but/,
      ],
      ['no calibration images', { precision: 'int8', calibration: [] }, /an array of images/],
      [
        'calibration images that are not an array',
        { precision: 'int8', calibration: 'a.jpg' },
        /an array of images/,
      ],
    ] as const) {
      it(`rejects ${title} before the model is opened`, async () => {
        await assert.rejects(
          Classifier.open('nowhere.pt', options as ClassifierOpenOptions),
          (error) => {
            assert.ok(error instanceof OptionError, String(error));
            assert.equal(error.code, 'ERR_SEMISUP_OPTION_VALUE');
            assert.match(error.message, message);
            return true;
          },
        );
      });
    }

    it('selects the interpreter, an untuned plan or a tuned plan', async () => {
      assert.deepEqual(await planOf({ plan: 'interpreter' }), {
        kind: 'interpreter',
        device: 'cpu',
        precision: 'float32',
        reason: `It was requested by plan: 'interpreter'.`,
      });
      const { instructionSet } = await openNative();
      assert.deepEqual(await planOf({ plan: 'untuned' }), {
        kind: 'planned',
        device: 'cpu',
        precision: 'float32',
        instructionSet,
        reason: `Tuning is disabled by plan: 'untuned'.`,
      });
      const { kind, precision, reason, choices, measured } = await planOf({ plan: 'tune' });
      assert.deepEqual(
        [kind, precision, reason],
        ['planned', 'float32', 'The algorithms were selected by measurement on this machine.'],
      );
      assert.equal(choices!.latency.algorithms.length, 1);
      assert.match(choices!.latency.algorithms[0]!, /^(onednn|pointwise)$/);
      assert.ok(measured!.latency > 0);
    });

    it('selects the precision', async () => {
      assert.equal((await planOf({ precision: 'int8', plan: 'untuned' })).precision, 'int8');
    });
  });

  describe('tuning', () => {
    it('caches its result per precision and thread count, and reuses it', async () => {
      const tuned = await planOf({});
      const [name, ...others] = await readdir(plans());
      assert.deepEqual(others, []);
      assert.match(name!, /^[0-9a-f]{32}\.json$/);
      const again = await planOf({});
      assert.equal(again.reason, `The tuning was read from the cache: ${join(plans(), name!)}.`);
      assert.deepEqual(
        [again.kind, again.choices, again.measured],
        ['planned', tuned.choices, tuned.measured],
      );
      await planOf({ precision: 'int8' });
      await planOf({ threads: 1 });
      assert.equal((await readdir(plans())).length, 3);
    });

    it('runs again with plan: tune', async () => {
      await planOf({});
      const file = join(plans(), (await readdir(plans()))[0]!);
      const { mtimeMs } = await stat(file);
      assert.equal(
        (await planOf({ plan: 'tune' })).reason,
        'The algorithms were selected by measurement on this machine.',
      );
      assert.ok((await stat(file)).mtimeMs > mtimeMs);
    });

    it('neither runs nor caches a result for other plans', async () => {
      await planOf({ plan: 'untuned' });
      await planOf({ plan: 'interpreter' });
      await assert.rejects(readdir(plans()), { code: 'ENOENT' });
    });

    it('runs again if the cached file is damaged', async () => {
      await planOf({});
      const file = join(plans(), (await readdir(plans()))[0]!);
      const valid = toChoices(['onednn'], 1);
      for (const content of [
        ...['', '{', 'null', '[]', '"text"', '{}', '{"choices":{}}'],
        ...[
          toChoices(['unknown'], 1),
          toChoices(['onednn\n'], 1),
          toChoices('onednn', 1),
          toChoices(['onednn'], 65),
          toChoices(['onednn'], 1.5),
          toChoices(['onednn'], -1),
          { ...valid, latency: undefined },
          { ...valid, throughput: null },
        ].map((choices) => JSON.stringify({ choices })),
      ]) {
        await writeFile(file, content);
        const { reason } = await planOf({});
        assert.equal(
          reason,
          'The algorithms were selected by measurement on this machine.',
          content,
        );
      }
    });

    it('ignores the description of a plan in the cached file', async () => {
      await planOf({});
      const file = join(plans(), (await readdir(plans()))[0]!);
      const choices = toChoices(['onednn'], 1);
      const forged = { kind: 'interpreter', precision: 'int8', reason: 'Forged.' };
      await writeFile(file, JSON.stringify({ choices, ...forged }));
      const { instructionSet } = await openNative();
      assert.deepEqual(await planOf({}), {
        ...{ kind: 'planned', device: 'cpu', precision: 'float32', instructionSet, choices },
        measured: undefined,
        reason: `The tuning was read from the cache: ${file}.`,
      });
    });

    it('tolerates a cached file for other convolutions', async () => {
      await planOf({});
      const file = join(plans(), (await readdir(plans()))[0]!);
      const expected = await logitsOf('small', { plan: 'interpreter' });
      for (const [algorithms, subBatch] of [
        [new Array<string>(100).fill('winograd4x4'), 64],
        [[], 3],
        [['winograd4x4', 'onednn'], 1],
      ] as const) {
        await writeFile(file, JSON.stringify({ choices: toChoices(algorithms, subBatch) }));
        assertClose(await logitsOf('small', {}), expected, 1e-4);
      }
    });

    it('runs if the cache cannot be written', async () => {
      const file = join(cache.path, 'file');
      await writeFile(file, '');
      setEnvironment({ XDG_CACHE_HOME: join(file, 'folder') });
      const { kind, reason } = await planOf({});
      assert.deepEqual(
        [kind, reason],
        ['planned', 'The algorithms were selected by measurement on this machine.'],
      );
    });

    it('runs if the cached file is a directory', async () => {
      await planOf({});
      const file = join(plans(), (await readdir(plans()))[0]!);
      await rm(file);
      await mkdir(join(file, 'more'), { recursive: true });
      assert.equal((await planOf({})).kind, 'planned');
    });

    it('leaves no temporary files', async () => {
      await Promise.all([planOf({}), planOf({}), planOf({})]);
      assert.deepEqual(
        (await readdir(plans())).map((name) => name.slice(32)),
        ['.json'],
      );
    });
  });

  for (const architecture of architectures) {
    it(`matches TorchScript's outputs for ${architecture}`, async () => {
      const inputs = [
        ...[1, 2, 3, 5, 8, 9].map((count) => [count, 3, 96, 96]),
        ...[1, 3].flatMap((count) => [
          [count, 3, 224, 224],
          [count, 3, 160, 160],
          [count, 3, 97, 131],
        ]),
      ];
      const expected = await outputsOf(architecture, { plan: 'interpreter' }, inputs);
      assertAllClose(await outputsOf(architecture, {}, inputs), expected, 1e-3);
      const bfloat16 = { plan: 'untuned', precision: 'bfloat16' } as const;
      const outputs = await undefinedWithoutBfloat16(
        outputsOf(architecture, bfloat16, inputs.slice(0, 4)),
      );
      if (outputs) assertAllClose(outputs, expected.slice(0, 4), 5e-2);
    });
  }

  it('approximates TorchScript in int8, for images similar to the calibration images', async () => {
    const images = (await deadLeavesImages(14)).slice(8);
    for (const architecture of ['resnet18', 'resnext50_32x4d']) {
      const expected = await logitsOf(architecture, { plan: 'interpreter' }, images);
      const actual = await logitsOf(architecture, { plan: 'untuned', precision: 'int8' }, images);
      assertClose(actual, expected, 0.1);
      assert.notDeepEqual(actual, expected);
    }
  });

  it('uses the lowest precision within the tolerance, and float32 without one', async () => {
    const auto = (tolerance?: number) =>
      planOf({ plan: 'untuned', precision: 'auto', tolerance }, 'resnet18');
    assert.deepEqual(
      [(await auto()).precision, (await auto(0)).precision, (await auto(1e-6)).precision],
      ['float32', 'float32', 'float32'],
    );
    const { precision, reason } = await auto(0.5);
    assert.equal(precision, 'int8');
    const [, percent] = /differs from float32 by ([\d.e-]+) %, within/.exec(reason)!;
    const difference = Number(percent) / 100;
    assert.ok(difference > 1e-4 && difference < 0.2, reason);
    const stricter = await auto(difference * 0.9);
    assert.notEqual(stricter.precision, 'int8');
    assert.equal((await planOf({ plan: 'interpreter', precision: 'auto' })).precision, 'float32');
  });

  it("matches TorchScript's embeddings", async () => {
    const images = await deadLeavesImages(3);
    await using interpreter = await Classifier.open(modelOf('resnet18'), { plan: 'interpreter' });
    await using planned = await Classifier.open(modelOf('resnet18'), { plan: 'untuned' });
    await using quantized = await Classifier.open(modelOf('resnet18'), {
      ...{ plan: 'untuned', precision: 'int8' },
    });
    const expected = await interpreter.embed(images);
    for (const [i, vector] of (await planned.embed(images)).entries()) {
      assertClose(vector, expected[i]!, 1e-3);
    }
    for (const [i, vector] of (await quantized.embed(images)).entries()) {
      assertClose(vector, expected[i]!, 0.2);
      assert.notDeepEqual(vector, expected[i]);
    }
  });

  it('runs concurrent calls', async () => {
    const options = { plan: 'untuned', instances: 2, threads: 1 } as const;
    await using model = await Classifier.open(modelOf('resnet18'), options);
    const inputs = [1, 4, 2, 3, 1, 5].map((count, i) => syntheticImages([count, 3, 96, 96], i));
    const concurrent = await Promise.all(inputs.map((input) => dataOf(model.forward(input))));
    for (const [i, input] of inputs.entries()) {
      assertClose(concurrent[i]!, await dataOf(model.forward(input)), 1e-5);
      input.dispose();
    }
  });

  it('releases its working memory after a few seconds without calls', async () => {
    const before = memory().arenas;
    const images = await deadLeavesImages(4);
    {
      await using model = await Classifier.open(modelOf('resnet18'), { plan: 'untuned' });
      const expected = await model.classify(images);
      const { count, bytes } = memory().arenas;
      assert.equal(count, before.count + 1);
      assert.ok(bytes - before.bytes > 5e6, `${bytes} bytes`);
      const start = performance.now();
      while (memory().arenas.bytes > before.bytes) {
        assert.ok(performance.now() - start < 30_000, 'the arena did not release its memory');
        await setTimeout(100);
      }
      assert.deepEqual(await model.classify(images), expected);
    }
    assert.deepEqual(memory().arenas, before);
  });

  it("uses the caller's calibration images", async () => {
    const [first] = await deadLeavesImages(1);
    const calibrated = (calibration?: Pixels[]) =>
      logitsOf('resnet18', { plan: 'untuned', precision: 'int8', calibration }, [first!]);
    const dark = Array.from({ length: 4 }, (_, i) => {
      const { data, ...size } = noise(230 + i, 230, 3);
      return { ...size, data: data.map((level) => level >> 3) };
    });
    const [byDefault, byDark, again] = [
      await calibrated(),
      await calibrated(dark),
      await calibrated(dark),
    ];
    assert.notDeepEqual(byDark, byDefault);
    assert.deepEqual(again, byDark);
  });

  async function outputsOf(
    architecture: string,
    options: ClassifierOpenOptions,
    shapes: readonly number[][],
  ): Promise<Float32Array[]> {
    await using model = await Classifier.open(modelOf(architecture), options);
    const outputs: Float32Array[] = [];
    for (const [i, shape] of shapes.entries()) {
      using input = syntheticImages(shape, i);
      outputs.push(await dataOf(model.forward(input)));
    }
    return outputs;
  }

  async function logitsOf(
    architecture: string,
    options: ClassifierOpenOptions,
    images: Pixels[] = [image(50), image(90), image(200)],
  ): Promise<Float32Array> {
    await using model = await Classifier.open(modelOf(architecture), options);
    return await dataOf(model.logits(images));
  }
});

async function dataOf(output: Promise<Tensor<'float32'>>): Promise<Float32Array> {
  using tensor = await output;
  return await tensor.data();
}

async function undefinedWithoutBfloat16<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof OptionError && error.message.includes('no bfloat16 instructions')) {
      return undefined;
    }
    throw error;
  }
}

function assertAllClose(
  actual: readonly Float32Array[],
  expected: readonly Float32Array[],
  tolerance: number,
): void {
  assert.equal(actual.length, expected.length);
  for (const [i, data] of actual.entries()) assertClose(data, expected[i]!, tolerance);
}

/** @param tolerance relative to the largest absolute value */
function assertClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = actual.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - expected[i]!)),
    0,
  );
  assert.ok(
    difference <= tolerance * largest,
    `the difference is ${difference}, the largest value ${largest}`,
  );
}

/** The choices of a cached file, valid or invalid. */
function toChoices(algorithms: unknown, subBatch: number): object {
  return { latency: { algorithms }, throughput: { algorithms, subBatch } };
}
