import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDataset, type Dataset } from '../../src/dataset';
import { DatasetError, OptionError, TrainingError } from '../../src/errors';
import { selectImages, type Selection } from '../../src/pseudo-labels';
import { pretrain, type PretrainOptions } from '../../src/selftrain';
import type { FinetuneProgress } from '../../src/train';
import { colors, saveColor } from '../support/color-model';
import { saveGeneratedModel } from '../support/generated-model';
import { libTorchDirectory } from '../support/libtorch-directory';
import { finetuneRecipe, pretrainRecipe } from '../../src/selftrain/recipes';
import { scoringOf, writeShards } from '../support/scores';
import { temporaryDirectory } from '../support/temporary';
import { temporaryEnvironment } from '../support/environment';

describe('pretrain', function () {
  this.timeout(240_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  temporaryEnvironment(() => ({ SEMISUP_LIBTORCH: libTorchDirectory() }));
  let pool: Dataset;
  let selection: Selection;

  beforeEach(async () => {
    await saveGeneratedModel(path('base.pt'), 'resnet18');
    const images = [];
    for (let i = 0; i < 12; i++) {
      const image = `${String(i).padStart(2, '0')}.png`;
      await saveColor(path(`pool/${image}`), colors[i % 3]!, 120 + 10 * i);
      const second = (i + 1) % 3;
      // Of the second class, the score is that of a few images only.
      images.push({ image, classes: [i % 3, second], scores: [0.9, i < 3 ? 0.95 : 0.01] });
    }
    pool = await openDataset(path('pool'), { labels: false });
    await writeShards(path('scores'), images, 2, scoringOf(3, 2));
    selection = await selectImages(
      [path('scores/score-00000.parquet'), path('scores/score-00001.parquet')],
      { imagesPerClass: 3, out: path('selection') },
    );
  });

  const run = async (from: Selection | string, options: Partial<PretrainOptions> = {}) =>
    await pretrain(from, {
      ...{ pool, classes: colors, model: path('base.pt'), out: path('student.pt') },
      ...{ epochs: 2, batchSize: 4, size: 32, device: 'cpu' },
      ...options,
    });
  const fails = async (
    type: new (...args: never[]) => Error,
    code: string,
    message: RegExp,
    from: Selection | string,
    options: Partial<PretrainOptions> = {},
  ) => {
    await assert.rejects(run(from, options), (error: Error & { code?: string }) => {
      assert.ok(error instanceof type, error.stack);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  };

  it('trains once an epoch on each pair of image and class', async () => {
    // Three images were selected for two classes, so that there are fewer images than pairs.
    assert.deepEqual([selection.size, selection.imageCount], [9, 6]);
    const progress: FinetuneProgress[] = [];
    const { metadata, epochs, bestEpoch, evaluation, completed } = await run(selection, {
      onProgress: (one) => progress.push(one),
    });
    const totals = (phase: FinetuneProgress['phase']) => [
      ...new Set(progress.filter((one) => one.phase === phase).map(({ total }) => total)),
    ];
    assert.deepEqual(totals('read'), [6]);
    assert.deepEqual(totals('train'), [9]);
    assert.deepEqual(totals('validate'), []);
    assert.deepEqual(metadata.labels, [...colors]);
    assert.deepEqual([epochs.length, bestEpoch, evaluation, completed], [2, 2, undefined, true]);
  });

  it('has the learning rates of the paper by default', async () => {
    const { lr, schedule } = pretrainRecipe(28, 256);
    const milestones = Array.from({ length: 13 }, (_, i) => 2 * (i + 1));
    assert.deepEqual({ lr, schedule }, { lr: 0.1, schedule: { milestones, gamma: 0.5 } });
    assert.deepEqual(finetuneRecipe(8, 128), {
      ...{ lr: 0.000125, schedule: { milestones: [2, 4, 6], gamma: 0.1 } },
    });
    // With an update an epoch, 3 of the 13 milestones are rounded to the first one, and 10 to the second one.
    const trained = await run(selection, { batchSize: 9 });
    const first = (0.1 * 9) / 256;
    assert.deepEqual(
      trained.epochs.map(({ lr: rate }) => rate),
      [first * 0.5 ** 3, first * 0.5 ** 10],
    );
  });

  it('trains the same from the files of the selection', async () => {
    const direct = await run(selection, { out: path('direct.pt') });
    const read = await run(path('selection'), { out: path('read.pt') });
    assert.deepEqual(read.training, direct.training);
    assert.equal(read.training.count, 9);
    const [a, b] = await Promise.all(
      ['direct', 'read'].map((name) => readFile(path(`${name}.pt.run/best.safetensors`))),
    );
    assert.ok(a!.equals(b!));
  });

  it('fails if the pool lacks an image, or another selection is damaged', async () => {
    const [first] = [...selection.images()];
    await rm(path(`pool/${first!.image}`));
    const less = await openDataset(path('pool'), { labels: false });
    await fails(
      ...([DatasetError, 'ERR_SEMISUP_DATASET_NOT_FOUND'] as const),
      new RegExp(`missing in the pool pool: ${first!.image}. Pass the pool that was scored`),
      ...([selection, { pool: less }] as const),
    );
    const scores = 'ERR_SEMISUP_TRAINING_SCORES';
    await fails(TrainingError, scores, /cannot be used: it does not exist/, path('nothing'));
    await fails(TrainingError, scores, /it is of 3 classes, not of 2/, path('selection'), {
      classes: ['a', 'b'],
    });
    await mkdir(path('damaged'));
    await writeFile(path('damaged/images.parquet'), 'damaged');
    await fails(TrainingError, scores, /damaged\/images\.parquet' cannot be used/, path('damaged'));
  });

  it('refuses names that are not those of the classes', async () => {
    const unknown = 'ERR_SEMISUP_OPTION_UNKNOWN';
    const argument = 'ERR_SEMISUP_OPTION_VALUE';
    const names = /Expected an array of different names for classes/;
    await fails(OptionError, argument, names, selection, { classes: ['a', 'b', 'a'] });
    await fails(OptionError, argument, /the names of 3 classes/, selection, {
      classes: ['a', 'b'],
    });
    await fails(OptionError, unknown, /epoch/, selection, {
      epoch: 2,
    } as Partial<PretrainOptions>);
  });
});
