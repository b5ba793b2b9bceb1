import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Classifier,
  DisposedError,
  ImageError,
  ModelError,
  ModelSlot,
  OptionError,
  ScriptModule,
  type FeatureMap,
} from '../../src';
import { batch, decode } from '../../src/image';
import { metadataFile } from '../../src/models';
import type { Tensor } from '../../src/native';
import { openColorModel, saveColorModel } from '../support/color-model';
import { saveGeneratedModel } from '../support/generated-model';
import { noise } from '../support/pixels';
import { root } from '../support/run-node';

const clock = join(root, 'examples', 'clock.jpg');
const untuned = { plan: 'untuned' } as const;
const layers = ['relu', 'layer1', 'layer2', 'layer3', 'layer4'];

describe('Classifier.features', function () {
  this.timeout(180_000);
  let directory: string;
  let path: string;
  let model: Classifier;
  let all: FeatureMap[];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    path = await saveGeneratedModel(join(directory, 'resnet18.pt'), 'resnet18');
    model = await Classifier.open(path, untuned);
    all = await model.features(clock);
  });
  after(async () => {
    await model?.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('returns a map for each layer of featureInfo', () => {
    assert.deepEqual(model.featureInfo, [
      { module: 'relu', channels: 64, reduction: 2 },
      { module: 'layer1', channels: 64, reduction: 4 },
      { module: 'layer2', channels: 128, reduction: 8 },
      { module: 'layer3', channels: 256, reduction: 16 },
      { module: 'layer4', channels: 512, reduction: 32 },
    ]);
    for (const [i, { module, channels, reduction }] of model.featureInfo.entries()) {
      const { layer, data, ...size } = all[i]!;
      const side = 224 / reduction;
      assert.equal(layer, module);
      assert.deepEqual(size, { channels, height: side, width: side });
      assert.equal(data.length, channels * side * side);
    }
  });

  it('returns the outputs of the method pyramid', async () => {
    await using module = await ScriptModule.load(path);
    const { transform } = model.metadata;
    using input = await batch(module.executor, [await decode(clock)], transform);
    const outputs = await module.call<Tensor[]>('pyramid', input);
    for (const [i, output] of outputs.entries()) {
      assertClose(all[i]!.data, (await output.data()) as Float32Array, 1e-5);
      output.dispose();
    }
  });

  it('averages to the embedding', async () => {
    const { data } = all.at(-1)!;
    const means = Float32Array.from({ length: 512 }, (_, channel) => {
      return data.subarray(49 * channel, 49 * (channel + 1)).reduce((a, b) => a + b, 0) / 49;
    });
    assertClose(means, await model.embed(clock), 1e-5);
  });

  it('selects layers, in the order in which they are listed', async () => {
    for (const selected of [['layer2', 'layer4'], ['layer4', 'relu'], ['layer1'], layers]) {
      const expected = selected.map((layer) => all[layers.indexOf(layer)]);
      assert.deepEqual(await model.features(clock, { layers: selected }), expected);
    }
  });

  it('returns the maps of each image of calls that share batches, whichever layers they ask for', async () => {
    const images = [clock, noise(300, 200, 3), noise(90, 130, 1), clock];
    const calls = [['layer2'], ['layer4', 'layer1'], undefined].map(
      async (selected) => await model.features(images, { layers: selected }),
    );
    const [second, mixed, everything] = await Promise.all(calls);
    for (const [i, image] of images.entries()) {
      const alone = await model.features(image);
      assertSameMaps(second![i]!, [alone[2]!]);
      assertSameMaps(mixed![i]!, [alone[4]!, alone[1]!]);
      assertSameMaps(everything![i]!, alone);
    }
    assert.deepEqual(await model.features([]), []);
  });

  it('reports the image that failed', async () => {
    const results = await model.features(['none.jpg', clock], {
      onError: 'return',
      layers: ['layer4'],
    });
    assert.ok(results[0] instanceof ImageError);
    assertSameMaps(results[1] as FeatureMap[], [all[4]!]);
    await assert.rejects(model.features([clock, 'none.jpg']), ImageError);
  });

  it('runs a compiled model, one in another process, a slot and the interpreter', async () => {
    const compiledPath = await model.compile(join(directory, 'resnet18.semisup'));
    const models = [
      await Classifier.open(compiledPath),
      await Classifier.open(path, { ...untuned, isolate: true }),
      await ModelSlot.open(path, untuned),
      await Classifier.open(path, { plan: 'interpreter' }),
    ];
    for (const one of models) {
      try {
        assertSameMaps(await one.features(clock), all);
        assertSameMaps(await one.features(clock, { layers: ['layer3'] }), [all[3]!]);
      } finally {
        await one.close();
      }
    }
  });

  for (const [precision, tolerance] of [
    ['int8', 0.1],
    ['bfloat16', 0.05],
  ] as const) {
    it(`computes them in ${precision}`, async function () {
      let path_: string;
      try {
        path_ = await model.compile(join(directory, precision), { precision });
      } catch (error) {
        if (!(error instanceof OptionError)) throw error;
        this.test!.title += ` (skipped: ${error.message})`;
        this.skip();
      }
      await using compiled = await Classifier.open(path_);
      for (const [i, map] of (await compiled.features(clock)).entries()) {
        assertClose(map.data, all[i]!.data, tolerance);
      }
    });
  }

  it('rejects unknown layers and options, and says what exists', async () => {
    const cases: [object, RegExp][] = [
      [
        { layers: ['layer1', 'layr2'] },
        /one of 'relu', 'layer1', .*received 'layr2'.*Did you mean 'layer2'\?/,
      ],
      [{ layers: [undefined] }, /one of 'relu'.*received undefined/],
      [{ layers: [3] }, /one of 'relu'.*received 3 .*Pass names in featureInfo/],
      [{ layers: 'layer1' }, /Expected an array of names in featureInfo for layers/],
      [{ layers: [] }, /Expected an array of names in featureInfo for layers/],
      [{ layers: ['layer1', 'layer1'] }, /Expected different layers/],
      [{ layer: 'layer1' }, /Did you mean 'layers'\?/],
    ];
    for (const [options, message] of cases) {
      await assert.rejects(
        model.features(clock, options),
        (error: Error) => error instanceof OptionError && message.test(error.message),
      );
    }
  });

  it('rejects a model without a pyramid', async () => {
    const file = await saveColorModel(join(directory, 'colors.pt'));
    await using colors = await openColorModel(file);
    assert.deepEqual(colors.featureInfo, []);
    await assert.rejects(colors.features(clock), (error: ModelError) => {
      assert.equal(error.code, 'ERR_SEMISUP_MODEL_KIND');
      assert.match(error.message, /has no method pyramid\(\).*docs\/own-models\.md/);
      return true;
    });
  });

  it('rejects calls after close()', async () => {
    const closed = await Classifier.open(path, untuned);
    await closed.close();
    await assert.rejects(closed.features(clock), DisposedError);
  });
});

describe("Classifier.features of a model of the user's own", function () {
  this.timeout(60_000);
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
  });
  after(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const transform = { resize: 8, crop: 8, mean: [0, 0, 0], std: [1, 1, 1] };
  const info = [
    { module: 'pixels', channels: 3, reduction: 1 },
    { module: 'blocks', channels: 3, reduction: 4 },
  ];
  const save = async (featureInfo: unknown) => {
    const source = `
def pyramid(self, x):
    return [x, torch.avg_pool2d(x, [4, 4], [4, 4])]

def forward(self, x):
    return torch.flatten(torch.adaptive_avg_pool2d(self.pyramid(x)[1], [1, 1]), 1)
`;
    await using module = await ScriptModule.create({ type: 'Net', source });
    const labels = ['red', 'green', 'blue'];
    const metadata = { format: 1, name: 'blocks', labels, transform, featureInfo };
    const file = join(directory, 'blocks.pt');
    await module.save(file, { extraFiles: { [metadataFile]: JSON.stringify(metadata) } });
    return file;
  };
  const white = { data: new Uint8Array(8 * 8 * 3).fill(255), width: 8, height: 8, channels: 3 };
  const image = white as { data: Uint8Array; width: number; height: number; channels: 3 };

  it('reads featureInfo from its metadata', async () => {
    const path = await save(info);
    await using model = await Classifier.open(path, untuned);
    assert.equal(model.plan.kind, 'planned', model.plan.reason);
    assert.deepEqual(model.featureInfo, info);
    const compiled = await model.compile(join(directory, 'blocks.semisup'));
    await using opened = await Classifier.open(compiled);
    for (const one of [model, opened]) {
      const [blocks, pixels] = await one.features(image, { layers: ['blocks', 'pixels'] });
      assert.deepEqual(blocks, {
        ...{ layer: 'blocks', channels: 3, height: 2, width: 2 },
        data: new Float32Array(12).fill(1),
      });
      assert.deepEqual([pixels!.height, pixels!.data], [8, new Float32Array(192).fill(1)]);
    }
  });

  it('rejects invalid metadata, and a method that does not return what they state', async () => {
    for (const [featureInfo, message] of [
      [[], /featureInfo must be a list of layers/],
      [[{ module: 'a', channels: 0, reduction: 1 }], /featureInfo\[0\]\.channels/],
      [[{ module: 'a', channels: 1, reduction: 0 }], /featureInfo\[0\]\.reduction/],
      [[{ module: '', channels: 1, reduction: 1 }], /featureInfo\[0\]\.module/],
    ] as const) {
      await assert.rejects(Classifier.open(await save(featureInfo), untuned), message);
    }
    const wrong = await save([info[0], { ...info[1], channels: 4 }]);
    await using model = await Classifier.open(wrong, untuned);
    await assert.rejects(
      model.features(image),
      /shape \[1, 3, 2, 2\] for 'blocks', which has 4 channels/,
    );
    const long = await save([...info, { module: 'more', channels: 3, reduction: 8 }]);
    await using other = await Classifier.open(long, untuned);
    await assert.rejects(other.features(image), /none at index 2/);
  });
});

function assertSameMaps(actual: readonly FeatureMap[], expected: readonly FeatureMap[]): void {
  assert.equal(actual.length, expected.length);
  for (const [i, { data, ...rest }] of expected.entries()) {
    const { data: actualData, ...actualRest } = actual[i]!;
    assert.deepEqual(actualRest, rest);
    assertClose(actualData, data, 1e-5);
  }
}

/** @param tolerance relative to the largest expected magnitude */
function assertClose(actual: Float32Array, expected: Float32Array, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = expected.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - actual[i]!)),
    0,
  );
  assert.ok(worst <= tolerance * largest, `${worst} of ${largest}`);
}
