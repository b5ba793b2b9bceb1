import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import {
  Classifier,
  DisposedError,
  ImageError,
  ModelError,
  ModelSlot,
  OptionError,
  type HeatMap,
} from '../../src';
import { saveGeneratedModel } from '../support/generated-model';
import { noise } from '../support/pixels';
import { root } from '../support/run-node';
import { saveClassifier, image as smallImage } from '../support/slot-models';

const clock = join(root, 'examples', 'clock.jpg');
const untuned = { plan: 'untuned' } as const;

describe('Classifier.explain', function () {
  this.timeout(180_000);
  let directory: string;
  let path: string;
  let compiledPath: string;
  let model: Classifier;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    path = await saveGeneratedModel(join(directory, 'resnet18.pt'), 'resnet18');
    model = await Classifier.open(path, untuned);
    compiledPath = await model.compile(join(directory, 'resnet18.semisup'));
  });
  after(async () => {
    await model?.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('explains the most probable class, with its score and its place in the image', async () => {
    const [best] = await model.classify(clock);
    const map = await model.explain(clock);
    assert.equal(map.class.score.toFixed(6), best!.score.toFixed(6));
    assert.deepEqual({ ...map.class, score: 0 }, { ...best, score: 0 });
    assert.deepEqual([map.width, map.height, map.data.length], [7, 7, 49]);
    assert.equal(Math.max(...map.data), 1);
    assert.ok(map.data.every((value) => value >= 0));
    assert.ok(map.max > 0);
    assert.deepEqual(map.image, { width: 720, height: 540 });
    assert.deepEqual(map.box, { ...map.box, y: 33.75, height: 472.5 });
  });

  it('selects a class by its index, its WordNet id or a name', async () => {
    const expected = await model.explain(clock, { class: 892 });
    assert.equal(expected.class.label, 'wall clock');
    // The generated weights find nothing that speaks for it.
    assert.equal(expected.max, 0);
    assert.ok(expected.data.every((value) => value === 0));
    for (const name of ['n04548280', 'wall clock', 'Wall Clock']) {
      assert.deepEqual(await model.explain(clock, { class: name }), expected);
    }
    assert.equal((await model.explain(clock, { class: 'tabby cat' })).class.label, 'tabby');
  });

  it('equals Grad-CAM by gradients at the last stage', async () => {
    for (const index of [undefined, 3, 999]) {
      const options = { class: index };
      const map = await model.explain(clock, options);
      // The last block is not the name of the stage, so that gradients are used.
      assertSameMaps(await model.explain(clock, { ...options, layer: 'layer4.1' }), map);
      assert.deepEqual(await model.explain(clock, { ...options, layer: 'layer4' }), map);
    }
  });

  it('computes finer maps at earlier layers', async () => {
    for (const [layer, side] of [
      ['layer3', 14],
      ['layer2.0', 28],
      ['conv1', 112],
    ] as const) {
      const { width, height, data, max } = await model.explain(clock, { layer });
      assert.deepEqual([width, height, data.length], [side, side, side * side]);
      assert.ok(max > 0 && data.every((value) => value >= 0 && value <= 1));
    }
  });

  it('returns a heat map per image of an array, as for single images', async () => {
    const images = [clock, noise(300, 200, 3), noise(90, 130, 1)];
    for (const layer of [undefined, 'layer3']) {
      const maps = await model.explain(images, { layer });
      for (const [i, image] of images.entries()) {
        assertSameMaps(maps[i]!, await model.explain(image, { layer }));
      }
    }
    assert.deepEqual(await model.explain([]), []);
  });

  it('reports the image that failed', async () => {
    const results = await model.explain(['none.jpg', clock], { onError: 'return' });
    assert.ok(results[0] instanceof ImageError);
    assertSameMaps(results[1] as HeatMap, await model.explain(clock));
    await assert.rejects(model.explain([clock, 'none.jpg']), ImageError);
    // Not an error of the images.
    const call = model.explain([clock, clock], { onError: 'return', layer: 'layer9' });
    await assert.rejects(call, /^OptionError: forward\(\) has no layer 'layer9'/);
  });

  it('rejects unknown classes, layers and options, and says what exists', async () => {
    const cases: [object, RegExp][] = [
      [{ class: 1000 }, /an index from 0 to 999/],
      [{ class: 1.5 }, /an index from 0 to 999/],
      [{ class: 'wall clok' }, /Did you mean 'wall clock'\?/],
      [{ class: 'crane' }, /Several classes have this name: pass 'n02012849' or 'n03126707'/],
      [{ class: 'no such class' }, /Pass one of model\.classes/],
      [
        { layer: 'layer9' },
        /no layer 'layer9'\. It calls conv1, bn1, layer1, layer2, layer3, layer4, fc/,
      ],
      [{ layer: 'layer3.9' }, /no layer 'layer3\.9'/],
      [{ layer: 'fc' }, /returns no maps \[n, c, h, w\]/],
      [{ layer: '' }, /the dotted name of a module/],
      [{ layer: 3 }, /the dotted name of a module/],
      [{ layers: 'layer3' }, /Did you mean 'layer'\?/],
    ];
    for (const [options, message] of cases) {
      await assert.rejects(model.explain(clock, options), (error: unknown) => {
        assert.ok(error instanceof OptionError, String(error));
        assert.match(error.message, message);
        return true;
      });
    }
  });

  it('is aborted by its signal', async () => {
    for (const layer of [undefined, 'layer3']) {
      const reason = new Error('enough');
      await assert.rejects(
        model.explain(clock, { layer, signal: AbortSignal.abort(reason) }),
        reason,
      );
      const controller = new AbortController();
      const pending = model.explain(clock, { layer, signal: controller.signal });
      controller.abort(reason);
      await assert.rejects(pending, reason);
    }
  });

  it('finishes before the model is closed, which refuses later calls', async () => {
    const other = await Classifier.open(path, untuned);
    const pending = [other.explain(clock), other.explain(clock, { layer: 'layer3' })];
    await other.close();
    for (const map of await Promise.all(pending)) assert.ok(map.max > 0);
    await assert.rejects(other.explain(clock), DisposedError);
  });

  it('places the map in the oriented image', async () => {
    const pixels = await sharp(clock).resize(300, 200, { fit: 'fill' }).jpeg().toBuffer();
    const turned = await sharp(pixels).withMetadata({ orientation: 6 }).toBuffer();
    const stored = await model.explain(turned);
    assert.deepEqual(stored.image, { width: 300, height: 200 });
    const oriented = await model.explain(turned, { orient: true });
    assert.deepEqual(oriented.image, { width: 200, height: 300 });
    assert.ok(oriented.box.y > oriented.box.x);
    assert.notDeepEqual(oriented.data, stored.data);
  });

  it('places the map in the image of the file if it is shrunk while it is decoded', async () => {
    const large = await sharp(clock).resize(2880, 2160).jpeg().toBuffer();
    await using shrinking = await Classifier.open(path, { ...untuned, shrinkOnLoad: true });
    const map = await shrinking.explain(large);
    const { box, image } = await model.explain(large);
    assert.deepEqual([map.box, map.image], [box, image]);
    assert.deepEqual(image, { width: 2880, height: 2160 });
  });

  it('returns the same from a compiled model, but no gradients', async () => {
    await using compiled = await Classifier.open(compiledPath);
    assert.equal(compiled.plan.kind, 'compiled');
    const images = [clock, noise(300, 200, 3)];
    for (const [i, map] of (await model.explain(images)).entries()) {
      assertSameMaps(await compiled.explain(images[i]!), map);
    }
    assertSameMaps(await compiled.explain(clock, { layer: 'layer4' }), await model.explain(clock));
    await assert.rejects(compiled.explain(clock, { layer: 'layer3' }), (error: unknown) => {
      assert.ok(error instanceof ModelError);
      assert.equal(error.code, 'ERR_SEMISUP_MODEL_KIND');
      assert.match(error.message, /has no gradients.*plan: 'untuned'/);
      return true;
    });
  });

  it('rejects gradients already before a compiled model replaces the module', async () => {
    await using tuning = await Classifier.open(path, untuned);
    tuning.tuneInBackground(
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
        }),
    );
    await assert.rejects(tuning.explain(clock, { layer: 'layer3' }), /plan: 'untuned'/);
    assertSameMaps(await tuning.explain(clock), await model.explain(clock));
  });

  for (const precision of ['bfloat16', 'int8'] as const) {
    it(`returns nearly the same in ${precision}`, async function () {
      let reduced: Classifier;
      try {
        reduced = await Classifier.open(path, { ...untuned, precision });
      } catch (error) {
        if (!(error instanceof OptionError)) throw error;
        this.test!.title += ` (skipped: ${error.what})`;
        return this.skip();
      }
      const expected = await model.explain(clock);
      const map = await reduced.explain(clock, { class: expected.class.index });
      await reduced.close();
      assertSameMaps(map, expected, 0.2);
    });
  }

  it('runs in an isolated model, and through a slot', async () => {
    const expected = await model.explain(clock);
    const finer = await model.explain(clock, { layer: 'layer3' });
    await using isolated = await Classifier.open(path, { ...untuned, isolate: true });
    await using slot = await ModelSlot.open(path, untuned);
    for (const other of [isolated, slot]) {
      assertSameMaps(await other.explain(clock), expected);
      assertSameMaps(await other.explain(clock, { layer: 'layer3' }), finer);
      await assert.rejects(other.explain(clock, { layer: 'layer9' }), /no layer 'layer9'/);
    }
  });

  it('says what to do with a model that lacks the method', async () => {
    const old = await saveClassifier(join(directory, 'old.pt'), 1);
    await using without = await Classifier.open(old, untuned);
    await assert.rejects(without.explain(smallImage()), (error: unknown) => {
      assert.ok(error instanceof ModelError);
      assert.equal(error.code, 'ERR_SEMISUP_MODEL_KIND');
      assert.match(error.message, /no method class_maps\(\).*export or compile it again/);
      return true;
    });
  });
});

describe('Classifier.embed with normalize', function () {
  this.timeout(120_000);
  let directory: string;
  let model: Classifier;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    const path = await saveGeneratedModel(join(directory, 'resnet18.pt'), 'resnet18');
    model = await Classifier.open(path, untuned);
  });
  after(async () => {
    await model?.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('returns vectors of length 1 in the direction of the embeddings', async () => {
    const images = [clock, noise(300, 200, 3)];
    const plain = await model.embed(images);
    const vectors = await model.embed(images, { normalize: true });
    for (const [i, vector] of vectors.entries()) {
      const norm = Math.hypot(...plain[i]!);
      assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6);
      for (const [j, value] of vector.entries()) {
        assert.ok(Math.abs(value - plain[i]![j]! / norm) < 1e-6);
      }
    }
    assert.deepEqual(await model.embed(images, { normalize: false }), plain);
    assert.equal((await model.embed(clock, { normalize: true })).length, 512);
  });

  it('returns errors in place of their images, and rejects other values', async () => {
    const [error, vector] = await model.embed(['none.jpg', clock], {
      ...{ normalize: true, onError: 'return' as const },
    });
    assert.ok(error instanceof ImageError);
    assert.ok(Math.abs(Math.hypot(...(vector as Float32Array)) - 1) < 1e-6);
    await assert.rejects(model.embed(clock, { normalize: 'l2' as never }), OptionError);
    await assert.rejects(model.embed(clock, { normalise: true } as object), /normalize/);
  });
});

/** @param tolerance relative to the largest value */
function assertSameMaps(actual: HeatMap, expected: HeatMap, tolerance = 1e-3): void {
  assert.equal(actual.class.index, expected.class.index);
  assert.ok(Math.abs(actual.class.score - expected.class.score) < tolerance);
  assert.deepEqual([actual.box, actual.image], [expected.box, expected.image]);
  assert.deepEqual([actual.width, actual.height], [expected.width, expected.height]);
  const margin = tolerance * expected.max;
  assert.ok(Math.abs(actual.max - expected.max) <= margin, `${actual.max} ${expected.max}`);
  for (const [i, value] of actual.data.entries()) {
    assert.ok(Math.abs(value - expected.data[i]!) < tolerance, `${i}: ${value}`);
  }
}
