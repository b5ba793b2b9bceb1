import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Classifier } from '../../src/classify';
import { openDataset, type Dataset } from '../../src/dataset';
import { DatasetError, OptionError } from '../../src/errors';
import { evaluate, type EvaluationProgress } from '../../src/evaluate';
import { openColorModel, saveColor, saveColorModel } from '../support/color-model';
import { temporaryDirectory } from '../support/temporary';

describe('evaluate', function () {
  this.timeout(60_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  let model: Classifier;
  /** Prefers green. */
  let biased: Classifier;

  beforeEach(async () => {
    model = await openColorModel(await saveColorModel(path('colors.pt')));
    biased = await openColorModel(await saveColorModel(path('biased.pt'), [0, 3.5, 0]));
    for (let i = 0; i < 30; i++) {
      await saveColor(path(`val/red/${i}.png`), 'red', 200 + i);
      await saveColor(path(`val/green/${i}.png`), 'green');
      await saveColor(path(`val/blue/${i}.png`), i < 10 ? 'green' : 'blue');
    }
  });
  afterEach(async () => {
    await Promise.all([model.close(), biased.close()]);
  });

  it('counts right answers by class', async () => {
    const evaluation = await evaluate(model, path('val'));
    assert.equal(evaluation.results.length, 90);
    assert.equal(evaluation.top1.correct, 80);
    assert.equal(evaluation.top5.correct, 90);
    const scores = evaluation.classes.map(({ class: { label }, precision, recall }) => [
      label,
      precision,
      recall,
    ]);
    assert.deepEqual(scores, [
      ['red', 1, 1],
      ['green', 0.75, 1],
      ['blue', 1, 20 / 30],
    ]);
    const [confusion, ...more] = evaluation.confusions;
    assert.deepEqual(more, []);
    assert.equal(confusion!.class.label, 'blue');
    assert.equal(confusion!.predicted.label, 'green');
    assert.equal(confusion!.images.length, 10);
    assert.ok(evaluation.throughput > 0);
    // The likelihood of full red: e^4 of e^4 + 2.
    const green = evaluation.results.find(({ name }) => name === 'green/0.png')!;
    assert.ok(Math.abs(green.nll - Math.log(1 + 2 * Math.exp(-4))) < 1e-6);
    const names = (await openDataset(path('val'))).samples();
    const expected: string[] = [];
    for await (const { name } of names) expected.push(name);
    assert.deepEqual(
      evaluation.results.map(({ name }) => name),
      expected,
    );
  });

  it('evaluates several models in one pass, with the results of one', async () => {
    let passes = 0;
    const dataset = await openDataset(path('val'));
    const counted: Dataset = {
      name: dataset.name,
      samples: (options) => {
        passes++;
        return dataset.samples(options);
      },
    };
    const both = await evaluate([model, biased], counted);
    assert.equal(passes, 1);
    const alone = [await evaluate(model, dataset), await evaluate(biased, dataset)];
    for (const i of [0, 1]) {
      assert.deepEqual(both[i]!.results, alone[i]!.results);
      assert.deepEqual(both[i]!.top1, alone[i]!.top1);
    }
    // Full blue still has the largest logit, but the darker reds do not.
    assert.ok(both[1]!.top1.correct < 80);
  });

  it('averages over views, and divides logits by the temperature', async () => {
    const options = { views: 'ten-crop', temperature: 2.5 } as const;
    const [evaluation, other] = await evaluate([model, biased], path('val'), options);
    assert.deepEqual([evaluation!.views, evaluation!.temperature], ['ten-crop', 2.5]);
    for (const { name, scores, classes, labels, nll } of evaluation!.results) {
      const predictions = await model.classify(path(`val/${name}`), options);
      assert.deepEqual(
        classes,
        predictions.map(({ index }) => index),
      );
      for (const [i, { score }] of predictions.entries()) {
        assert.ok(Math.abs(scores[i]! - score) < 1e-6);
      }
      const right = scores[classes.indexOf(labels[0]!)]!;
      assert.ok(Math.abs(nll + Math.log(right)) < 1e-6);
    }
    const plain = await evaluate(biased, path('val'));
    assert.deepEqual(other!.top1, plain.top1);
    assert.ok(other!.calibration.ece !== plain.calibration.ece);
    const results = path('results.jsonl');
    await evaluate(model, path('val'), { ...options, results });
    await assert.rejects(
      evaluate(model, path('val'), { ...options, temperature: 2, results }),
      /temperature was 2\.5, and is now 2\./,
    );
    await assert.rejects(evaluate(model, path('val'), { results }), /views was "ten-crop"/);
  });

  it('counts and lists images that cannot be read or have no label', async () => {
    await writeFile(path('val/red/bad.png'), 'no image');
    await writeFile(path('val/red/empty.jpg'), '');
    await saveColor(path('val/unlabeled.png'), 'red');
    for (const models of [[model], [model, biased]]) {
      for (const evaluation of await evaluate(models, path('val'))) {
        assert.equal(evaluation.results.length, 90);
        assert.deepEqual(
          evaluation.unreadable.map(({ name, code }) => [name, code.slice(18)]).toSorted(),
          [
            ['red/bad.png', 'FORMAT'],
            ['red/empty.jpg', 'FORMAT'],
          ],
        );
        assert.deepEqual(evaluation.unlabeled, ['unlabeled.png']);
        for (const { message } of evaluation.unreadable) assert.doesNotMatch(message, /images\[/);
      }
    }
  });

  it('counts the files of a list that are missing', async () => {
    await writeFile(path('val/list.txt'), 'red/0.png red\nred/none.png red\n');
    const { results, unreadable } = await evaluate(model, path('val/list.txt'));
    assert.equal(results.length, 1);
    assert.deepEqual(
      unreadable.map(({ code }) => code),
      ['ERR_SEMISUP_IMAGE_NOT_FOUND'],
    );
  });

  it('reports a label that names no class before anything runs', async () => {
    await saveColor(path('val/purple/0.png'), 'red');
    const progress: unknown[] = [];
    const options = { onProgress: (one: unknown) => progress.push(one) };
    await assert.rejects(evaluate(model, path('val'), options), (error: unknown) => {
      assert.ok(error instanceof DatasetError);
      assert.equal(error.code, 'ERR_SEMISUP_DATASET_LABEL');
      assert.match(error.message, /'purple' names no class of/);
      return true;
    });
    assert.deepEqual(progress, []);
  });

  it('restricts the classes to valid labels', async () => {
    await writeFile(path('valid.txt'), '2\n0\n');
    for (const validLabels of [path('valid.txt'), [0, 2]]) {
      const evaluation = await evaluate(model, path('val'), { validLabels });
      assert.equal(evaluation.results.length, 60);
      assert.equal(evaluation.excluded.length, 30);
      // The green images of the class blue: red and blue have equal logits, and red is the first.
      assert.equal(evaluation.top1.correct, 50);
      assert.ok(evaluation.results.every(({ classes }) => !classes.includes(1)));
    }
    for (const wrong of [3, -1, 0.5]) {
      const options = { validLabels: [0, wrong] };
      await assert.rejects(evaluate(model, path('val'), options), /validLabels\[1\]/);
    }
    await writeFile(path('valid.txt'), '3\n');
    await assert.rejects(
      evaluate(model, path('val'), { validLabels: path('valid.txt') }),
      /no index of a class below 3 on line 1/,
    );
  });

  it("replaces the labels by ImageNet-ReaL's", async () => {
    await saveColor(path('real/x/ILSVRC2012_val_00000001.png'), 'red');
    await saveColor(path('real/x/ILSVRC2012_val_00000002.png'), 'green');
    await saveColor(path('real/x/ILSVRC2012_val_00000003.png'), 'blue');
    await writeFile(path('real.json'), '[[1, 0], [], [0]]');
    const options = { realLabels: path('real.json') };
    const evaluation = await evaluate(model, path('real'), options);
    assert.deepEqual(
      evaluation.results.map(({ labels }) => labels),
      [[1, 0], [0]],
    );
    assert.equal(evaluation.top1.correct, 1);
    assert.deepEqual(evaluation.excluded, ['x/ILSVRC2012_val_00000002.png']);
    await writeFile(path('real.json'), '[[3]]');
    await assert.rejects(evaluate(model, path('real'), options), /is no JSON array/);
    await writeFile(path('real.json'), '[[0]]');
    await assert.rejects(evaluate(model, path('real'), options), /has no labels for .*00000002/);
  });

  it('maps labels by a class map', async () => {
    await writeFile(path('map.txt'), 'blue\nred\ngreen\n');
    const evaluation = await evaluate(model, path('val'), { classMap: path('map.txt') });
    assert.equal(evaluation.top1.correct, 0);
    assert.equal(evaluation.confusions.length, 4);
  });

  it('reports progress', async () => {
    const reports: EvaluationProgress[] = [];
    const onProgress = (progress: EvaluationProgress) => reports.push(progress);
    await evaluate([model, biased], path('val'), { onProgress });
    assert.ok(reports.length >= 3);
    const last = reports.at(-1)!;
    assert.equal(last.done, 90);
    assert.equal(last.total, 90);
    assert.equal(last.top1[0], 80 / 90);
    assert.ok(last.rate > 0);
  });

  it('ends when it is aborted', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const onProgress = () => {
      controller.abort(reason);
    };
    await assert.rejects(
      evaluate(model, path('val'), { onProgress, signal: controller.signal }),
      reason,
    );
  });

  it('ends with the error of a dataset', async () => {
    const dataset: Dataset = {
      name: 'own',
      async *samples() {
        yield { name: 'a', label: 'red', image: path('val/red/0.png') };
        await Promise.resolve();
        throw new Error('no more');
      },
    };
    await assert.rejects(evaluate(model, dataset), /no more/);
    const twice: Dataset = {
      name: 'own',
      async *samples() {
        for (let i = 0; i < 2; i++) {
          yield { name: 'a', label: 'red', image: path('val/red/0.png') };
          await Promise.resolve();
        }
      },
    };
    await assert.rejects(evaluate(model, twice), /contains the image a twice/);
  });

  it('refuses an empty dataset, other classes and unknown options', async () => {
    const dataset = await openDataset(path('val'));
    const empty: Dataset = {
      name: 'nothing',
      samples: () => dataset.samples({ skip: () => true }),
    };
    await assert.rejects(evaluate(model, empty), /The dataset nothing contains no images/);
    await assert.rejects(evaluate([], path('val')), OptionError);
    await assert.rejects(evaluate(model, path('val'), { result: 'x' } as object), /'results'/);
    await assert.rejects(evaluate(model, path('val'), { temperature: 0 }), /a number above 0/);
    await assert.rejects(evaluate(model, path('val'), { views: 'all' as 'flip' }), /for views/);
    await using other = await Classifier.open(path('colors.pt'), {
      classes: ['red', 'green', 'yellow'],
    });
    await assert.rejects(
      evaluate([model, other], path('val')),
      /Expected models with the classes of/,
    );
  });
});
