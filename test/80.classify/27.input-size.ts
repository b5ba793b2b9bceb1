import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Classifier, type ClassifierOpenOptions } from '../../src/classify';
import { ModelError, OptionError } from '../../src/errors';
import { imagenetTransform } from '../../src/models/transform';
import { resizeInput } from '../../src/models';
import { ModelSlot } from '../../src/slot';
import { saveGeneratedModel } from '../support/generated-model';
import { noise } from '../support/pixels';

const image = noise(400, 300, 3);

describe('size and crop', function () {
  this.timeout(180_000);
  let directory: string;
  let path: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    path = await saveGeneratedModel(join(directory, 'resnet18.pt'), 'resnet18');
  });
  after(async () => {
    await rm(directory, { recursive: true });
  });

  const open = async (options: ClassifierOpenOptions) =>
    await Classifier.open(path, { plan: 'untuned', ...options });

  it("select the resize as timm does: the floor of the input's side by the crop", () => {
    const resizeOf = (size?: number, crop?: number) => {
      const transform = resizeInput(imagenetTransform, { size, crop });
      assert.equal(transform.crop, size ?? 224);
      return transform.resize;
    };
    const cases: [size: number | undefined, crop: number | undefined, resize: number][] = [
      [undefined, undefined, 256],
      [224, undefined, 256],
      [224, 0.875, 256],
      [288, undefined, 329],
      [288, 1, 288],
      [undefined, 1, 224],
      // floor(248.888…), floor(235.789…) and floor(303.157…)
      [224, 0.9, 248],
      [224, 0.95, 235],
      [288, 0.95, 303],
      [1, 0.001, 1000],
    ];
    for (const [size, crop, resize] of cases) {
      assert.equal(resizeOf(size, crop), resize, `${size} ${crop}`);
    }
    // A crop that has no finite binary fraction is kept exactly.
    const other = { ...imagenetTransform, resize: 232 };
    assert.equal(resizeInput(other, { size: 224 }).resize, 232);
    assert.equal(resizeInput(other, { size: 448 }).resize, 464);
  });

  it('change the transform of a model, which its results follow', async () => {
    await using model = await open({ size: 96, crop: 1 });
    const { mean, std } = imagenetTransform;
    const transform = { ...imagenetTransform, resize: 96, crop: 96, mean, std };
    assert.deepEqual(model.metadata.transform, transform);
    await using stated = await open({ transform });
    assert.deepEqual(await model.classify(image), await stated.classify(image));
    const { box } = await model.explain(image);
    assert.deepEqual({ ...box, x: Math.round(box.x) }, { x: 50, y: 0, width: 300, height: 300 });
    assert.equal((await model.explain(image)).width, 3);
  });

  it('apply to the transform that is stated', async () => {
    await using model = await open({ transform: { resize: 100, crop: 80 }, size: 64 });
    assert.deepEqual([model.metadata.transform.resize, model.metadata.transform.crop], [80, 64]);
  });

  it('calibrate int8 with images of that size', async () => {
    await using small = await open({ size: 64, precision: 'int8', calibration: [image] });
    await using same = await open({
      ...{ precision: 'int8', calibration: [image] },
      transform: { resize: 73, crop: 64 },
    });
    assert.equal(small.plan.precision, 'int8');
    assert.deepEqual(await small.embed(image), await same.embed(image));
  });

  it('are stored in a compiled model, which accepts others', async () => {
    await using model = await open({ size: 96, crop: 1 });
    const file = await model.compile(join(directory, 'resnet18.semisup'));
    await using compiled = await Classifier.open(file);
    assert.deepEqual(compiled.metadata, model.metadata);
    await compiled.compile(join(directory, 'copy.semisup'));
    await using larger = await Classifier.open(file, { size: 160 });
    assert.deepEqual(larger.metadata.transform, { ...imagenetTransform, resize: 160, crop: 160 });
    await using expected = await open({ size: 160, crop: 1 });
    const [actual, reference] = [await larger.embed(image), await expected.embed(image)];
    const largest = Math.max(...reference.map(Math.abs));
    for (const [i, value] of reference.entries()) {
      assert.ok(Math.abs(actual[i]! - value) < 1e-3 * largest);
    }
    // Its file states 96 pixels.
    await assert.rejects(larger.compile(join(directory, 'other.semisup')), (error: unknown) => {
      assert.ok(error instanceof ModelError);
      assert.equal(error.code, 'ERR_SEMISUP_MODEL_KIND');
      assert.match(error.message, /another transform than that of its file/);
      return true;
    });
  });

  it('apply to isolated models and to slots', async () => {
    const options = { size: 64, crop: 0.9, plan: 'untuned' } as const;
    await using expected = await open(options);
    await using isolated = await Classifier.open(path, { ...options, isolate: true });
    assert.deepEqual(isolated.metadata.transform, expected.metadata.transform);
    assert.deepEqual(await isolated.classify(image), await expected.classify(image));
    await using slot = await ModelSlot.open(path, options);
    await slot.swap(path);
    assert.deepEqual(await slot.classify(image), await expected.classify(image));
  });

  it('must be valid', async () => {
    const cases: [options: object, message: RegExp][] = [
      ...[0, -224, 4097, 224.5, NaN, '224'].map((size): [object, RegExp] => [
        { size },
        /^Expected an integer from 1 to 4096 for size, but received/,
      ]),
      ...[0, -0.5, 1.001, 87.5, NaN, '1'].map((crop): [object, RegExp] => [
        { crop },
        /^Expected a number above 0 and at most 1 for crop, but received/,
      ]),
      [{ crop: 0.01 }, /resized to at most 4096 pixels for crop, but received 0\.01/],
      [{ size: 4096 }, /resized to at most 4096 pixels for size, but received 4096/],
    ];
    for (const [options, message] of cases) {
      await assert.rejects(open(options), (error: unknown) => {
        assert.ok(error instanceof OptionError);
        assert.match(error.message, message);
        return true;
      });
    }
  });
});
