import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Classifier, type ClassifierOpenOptions } from '../../src/classify';
import { ModelError, OptionError } from '../../src/errors';
import { batch, decode } from '../../src/image';
import { imagenetTransform } from '../../src/models/transform';
import type { Transform } from '../../src/types';
import { fixture } from '../support/image-goldens';
import { sha256 } from '../support/pixels';
import { PythonServer, pythonLacks } from '../support/python';

const missing = pythonLacks(['torch', 'numpy', 'PIL']);
const title = 'Classifier.open with TorchScript of your own';

const classes = ['ant', 'bee', 'cat', 'dog', 'eel'];
const own: Transform = {
  resize: 176,
  crop: 160,
  interpolation: 'bicubic',
  mean: [0.5, 0.4, 0.3],
  std: [0.5, 0.25, 0.2],
};
const torchvision: Transform = { ...imagenetTransform, interpolation: 'bilinear' };

interface Expected {
  readonly pixels: string;
  readonly labels: string[];
  readonly scores: number[];
}

(missing ? describe.skip : describe)(
  missing ? `${title} (skipped: ${missing})` : title,
  function () {
    this.timeout(180_000);
    const image = fixture('exif-6.jpg');
    let python: PythonServer;
    let directory: string;
    let expected: Record<string, Expected>;

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
      python = new PythonServer(join(__dirname, 'own_models.py'));
      expected = await python.call('make', directory, image, { own, torchvision });
    });
    after(async () => {
      await python?.[Symbol.asyncDispose]();
      if (directory) await rm(directory, { recursive: true });
    });

    const open = async (file: string, options?: ClassifierOpenOptions) =>
      await Classifier.open(join(directory, file), options);

    const rejects = async (opening: Promise<unknown>, message: RegExp) => {
      await assert.rejects(opening, (error: unknown) => {
        assert.ok(error instanceof ModelError || error instanceof OptionError);
        assert.match(error.message, message);
        return true;
      });
    };

    const cases: [file: string, description: string, options: ClassifierOpenOptions][] = [
      ['scripted.pt', 'a scripted ResNet-18, preprocessed as in torchvision', { classes }],
      ['traced.pt', 'a traced ResNet-18, preprocessed as in torchvision', { classes }],
      ['training.pt', 'a module that was saved in training mode', { classes }],
      ['wrapper.pt', 'a wrapper with a transform of its own', { classes, transform: own }],
      ['with-metadata.pt', 'classes and transform in the metadata of the file', {}],
    ];
    for (const [file, description, options] of cases) {
      it(`returns Python's top five from a plan: ${description}`, async () => {
        const { pixels, labels, scores } = expected[file]!;
        await using model = await open(file, options);
        assert.equal(model.plan.kind, 'planned');
        const { executor } = model.module;
        using input = await batch(executor, [await decode(image)], model.metadata.transform);
        assert.equal(sha256(await input.data()), pixels);
        const predictions = await model.classify(image);
        assert.deepEqual(
          predictions.map(({ label }) => label),
          labels,
        );
        for (const [i, { score, wnid }] of predictions.entries()) {
          assert.ok(Math.abs(score - scores[i]!) < 1e-4);
          assert.equal(wnid, '');
        }
      });
    }

    it('describes the model in its metadata', async () => {
      await using model = await open('wrapper.pt', { classes, transform: { crop: 200 } });
      assert.deepEqual(model.metadata, {
        name: join(directory, 'wrapper.pt'),
        architecture: null,
        stride: null,
        numClasses: 5,
        head: null,
        labels: classes,
        license: null,
        source: null,
        transform: { ...imagenetTransform, crop: 200 },
      });
      assert.deepEqual(model.classes[3], { index: 3, wnid: '', label: 'dog', lemmas: [] });
    });

    it('rejects a file that does not state its classes, and says how to pass them', async () => {
      const message = /scripted\.pt does not state its classes.*Pass \{ classes, transform \}/;
      await rejects(open('scripted.pt'), message);
    });

    it('rejects another number of classes when the model is opened', async () => {
      const four = { classes: classes.slice(1) };
      const message =
        /scripted\.pt returned a tensor of shape \[1, 5\], but for its 4 classes it must/;
      await rejects(open('scripted.pt', four), message);
      await rejects(open('with-metadata.pt', four), /5 names, as in the metadata/);
    });

    it('rejects a module that does not return a tensor', async () => {
      const message = /pair\.pt returned a tuple or list of 2, but for its 5 classes it must/;
      await rejects(open('pair.pt', { classes }), message);
    });

    it('rejects embed if the model has no method features', async () => {
      await using model = await open('wrapper.pt', { classes });
      await assert.rejects(model.embed(image), /features/);
    });

    it('explains a layer by its name, of scripted, traced and nested modules', async () => {
      await using scripted = await open('scripted.pt', { classes });
      await using traced = await open('traced.pt', { classes });
      await using wrapper = await open('wrapper.pt', { classes });
      const expected = await scripted.explain(image, { layer: 'layer4' });
      assert.deepEqual([expected.width, expected.height], [7, 7]);
      assert.ok(expected.max > 0);
      assert.deepEqual(await traced.explain(image, { layer: 'layer4' }), expected);
      assert.equal((await wrapper.explain(image, { layer: 'backbone.layer3' })).width, 14);
      await rejects(wrapper.explain(image, { layer: 'layer3' }), /It calls backbone, head\./);
      await assert.rejects(wrapper.explain(image), /no method class_maps\(\).*as `layer`/);
    });

    it("returns Python's Grad-CAM of a layer whose output is modified in place", async () => {
      await using model = await open('in-place.pt', { classes, transform: own });
      const { data, width } = await model.explain(image, { layer: 'conv' });
      const { map } = expected as unknown as { map: number[] };
      assert.deepEqual([width, data.length], [79, map.length]);
      for (const [i, value] of map.entries()) assert.ok(Math.abs(data[i]! - value) < 1e-4);
    });

    it('rejects invalid classes and transforms', async () => {
      const invalid: [object, RegExp][] = [
        [{ classes: [] }, /an array of 1 to 65536 names/],
        [{ classes: ['a', 5] }, /names/],
        [{ classes: 'imagenet' }, /'imagenet1k'/],
        [{ classes, transform: { size: 224 } }, /transform has no option 'size'/],
        [{ classes, transform: { interpolation: 'nearest' } }, /'bilinear' or 'bicubic'/],
        [{ classes, transform: { resize: 200 } }, /transform\.crop/],
        [{ classes, transform: { mean: 0.5 } }, /transform\.mean/],
        [{ classes, transform: { std: [1, 1, 0] } }, /transform\.std/],
      ];
      for (const [options, message] of invalid)
        await rejects(open('scripted.pt', options), message);
    });
  },
);
