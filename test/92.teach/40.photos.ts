import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Classifier } from '../../src/classify';
import { openDataset } from '../../src/dataset';
import { DownloadError } from '../../src/errors';
import { teach, type TaughtModel, type TeachOptions } from '../../src/teach';
import { photosIn } from '../support/accuracy';
import { libTorchDirectory } from '../support/libtorch-directory';
import { groupOf } from '../support/photo-groups';
import { photosOrSkip } from '../support/photos';

// fixtures/photo_groups.py wrote it, on the embeddings, the folds and the C of semisup.
const golden = JSON.parse(
  readFileSync(join(__dirname, 'fixtures', 'photo_groups.json'), 'utf8'),
) as { c: number; nll: number; predictions: Record<string, string> };

describe('teaching the baseline kinds of objects on 100 photos', function () {
  this.timeout(600_000);
  const environment = { ...process.env };
  let directory: string;
  let out: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    out = join(directory, 'kinds.pt');
    process.env.SEMISUP_LIBTORCH = libTorchDirectory();
    process.env.XDG_CACHE_HOME = directory;
  });
  after(async () => {
    process.env = { ...environment };
    await rm(directory, { recursive: true });
  });

  const run = async (
    test: Mocha.Context,
    options?: Pick<TeachOptions, 'c'>,
  ): Promise<TaughtModel> => {
    const photos = photosOrSkip(test);
    const labels = join(directory, 'labels.txt');
    const lines = (await photosIn(photos)).map((path) => `${basename(path)}\t${groupOf(path)}`);
    await writeFile(labels, lines.join('\n'));
    try {
      const dataset = await openDataset(photos, { labels });
      return await teach(dataset, { model: 'resnet50_baseline', out, ...options });
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      test.test!.title += ` (skipped: ${error.message})`;
      return test.skip();
    }
  };

  it('recognizes most of those that it has not seen', async function () {
    const { evaluation, metadata, temperature, uncalibratedEce } = await run(this);
    assert.deepEqual(metadata.labels, ['animals', 'places', 'things', 'vehicles']);
    assert.equal(metadata.license?.name, 'MIT');
    // 87 when this was written; always 'animals' would be right for 40.
    const { correct, total } = evaluation.top1;
    assert.equal(total, 100);
    assert.ok(correct >= 82, `${correct} of 100`);
    const animals = evaluation.classes.find((one) => one.class.label === 'animals')!;
    assert.ok(animals.recall >= 0.95, `${animals.recall} of the animals`);
    assert.ok(evaluation.calibration.ece < uncalibratedEce);
    assert.ok(temperature > 1 && temperature < 2, String(temperature));
  });

  it('predicts of those that it has not seen what scikit-learn predicts', async function () {
    const { evaluation, temperature, metadata } = await run(this, { c: golden.c });
    const predictions = evaluation.results.map(({ name, classes }) => [
      name,
      metadata.labels![classes[0]!],
    ]);
    assert.deepEqual(Object.fromEntries(predictions), golden.predictions);
    // That of scikit-learn has no temperature, by which this one improves.
    assert.ok(evaluation.nll < golden.nll && temperature > 1, `${evaluation.nll}, ${golden.nll}`);
  });

  it('recognizes all that it has seen, by the written model', async function () {
    const { embedded } = await run(this);
    assert.equal(embedded, 0);
    await using model = await Classifier.open(out, { plan: 'untuned' });
    const photos = await photosIn(photosOrSkip(this));
    const answers = await model.classify(photos, { topk: 1 });
    const wrong = photos.filter((photo, i) => answers[i]![0]!.label !== groupOf(photo));
    assert.ok(wrong.length <= 2, wrong.join(', '));
  });
});
