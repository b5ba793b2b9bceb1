import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { create } from 'tar';
import type { Classifier } from '../../src/classify';
import { DownloadError } from '../../src/errors';
import { evaluate, type Evaluation } from '../../src/evaluate';
import { hub } from '../../src/hub';
import { classes } from '../../src/models';
import type { Views } from '../../src/types';
import { photosIn } from '../support/accuracy';
import { photosOrSkip } from '../support/photos';

/** The numbers of photos that PyTorch and Pillow classify correctly, with the same weights. */
const expected = { top1: 90, top5: 100, total: 100 };

/** The best five classes of each photo, by its name, which fixtures/classify_photos.py wrote. */
async function readAnswers(): Promise<Record<string, number[]>> {
  const file = join(__dirname, 'fixtures', 'photos.json');
  return JSON.parse(await readFile(file, 'utf8')) as Record<string, number[]>;
}

/** What PyTorch and Pillow return for all photos. */
interface ViewsGolden {
  readonly size: number;
  readonly crop: number;
  readonly views: Views;
  /** By temperature. */
  readonly nll: Readonly<Record<string, number>>;
  /** The five best classes of each photo. */
  readonly answers: Readonly<Record<string, readonly number[]>>;
}

const indices = Object.fromEntries(classes.map(({ wnid, index }) => [wnid, index]));

describe('an evaluation of the baseline on 100 photos', function () {
  this.timeout(600_000);
  let model: Classifier | undefined;
  let problem: string;
  let directory: string;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'semisup-test-'));
    try {
      model = await hub.load('resnet50_baseline');
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      problem = error.message;
    }
  });
  after(async () => {
    await model?.close();
    await rm(directory, { recursive: true });
  });

  const run = async (path: string): Promise<Evaluation> => await evaluate(model!, path);
  const check = ({ top1, top5, unreadable, unlabeled }: Evaluation, counts: typeof expected) => {
    assert.deepEqual({ top1: top1.correct, top5: top5.correct, total: top1.total }, counts);
    assert.deepEqual([unreadable, unlabeled], [[], []]);
  };
  const wnidOf = (photo: string) => basename(photo).split('_')[0]!;
  /** The best class of each photo, by its file name. */
  const answersOf = ({ results }: Evaluation) =>
    Object.fromEntries(results.map(({ name, classes }) => [basename(name), classes[0]]));

  const prepare = async (test: Mocha.Context): Promise<string[]> => {
    const photos = await photosIn(photosOrSkip(test));
    if (model) return photos.toSorted();
    test.test!.title += ` (skipped: ${problem})`;
    return test.skip();
  };

  it('counts the same from directories, a list, an archive and WebDataset shards', async function () {
    const photos = (await prepare(this)).filter((_, i) => i % 5 === 0);
    const answers = await readAnswers();
    const correct = (k: number) =>
      photos.filter((photo) =>
        answers[basename(photo)]!.slice(0, k).includes(indices[wnidOf(photo)]!),
      ).length;
    const counts = { top1: correct(1), top5: correct(5), total: photos.length };
    await mkdir(join(directory, 'flat'));
    for (const photo of photos) await cp(photo, join(directory, 'flat', basename(photo)));
    const flat = await run(join(directory, 'flat'));
    check(flat, counts);
    for (const photo of photos) {
      const folder = join(directory, 'val', wnidOf(photo));
      await mkdir(folder, { recursive: true });
      await symlink(photo, join(folder, basename(photo)));
    }
    const list = photos.map((photo) => `${basename(photo)} ${wnidOf(photo)}\n`).join('');
    await writeFile(join(directory, 'flat', 'list.txt'), list);
    await create({ file: join(directory, 'val.tar'), cwd: directory, follow: true }, ['val']);
    await create({ file: join(directory, 'val.tgz'), cwd: directory, follow: true, gzip: true }, [
      'val',
    ]);
    const shards = join(directory, 'shards');
    await mkdir(shards);
    for (const [i, photo] of photos.entries()) {
      const key = join(shards, String(i).padStart(4, '0'));
      await cp(photo, `${key}.jpg`);
      await writeFile(`${key}.cls`, String(indices[wnidOf(photo)]));
    }
    for (const shard of [0, 1, 2, 3]) {
      const names = photos.flatMap((_, i) => {
        const key = String(i).padStart(4, '0');
        return i % 4 === shard ? [`${key}.cls`, `${key}.jpg`] : [];
      });
      await create({ file: join(directory, `val-00${shard}.tar`), cwd: shards }, names);
    }
    for (const path of ['val', 'flat/list.txt', 'val.tar', 'val.tgz', 'val-{000..003}.tar']) {
      const evaluation = await run(join(directory, path));
      check(evaluation, counts);
      if (!path.includes('{')) assert.deepEqual(answersOf(evaluation), answersOf(flat), path);
    }
  });

  it('agrees with plain PyTorch and Pillow over several views, and at another size', async function () {
    const photos = await prepare(this);
    // fixtures/classify_views.py wrote it. Five crops are the first ones of ten.
    const golden = await readFile(join(__dirname, 'fixtures', 'views.json'), 'utf8');
    const goldens = (JSON.parse(golden) as ViewsGolden[]).filter(
      (one) => one.views !== 'five-crop',
    );
    const some = join(directory, 'some');
    await mkdir(some);
    for (const photo of photos.filter((_, i) => i % 5 === 0)) {
      await cp(photo, join(some, basename(photo)));
    }
    for (const { size, crop, views, nll, answers } of goldens) {
      await using resized = await hub.load('resnet50_baseline', { size, crop, plan: 'untuned' });
      // Ten crops of 100 photos take a minute.
      const [path, count] = views === 'ten-crop' ? [some, 20] : [photosOrSkip(this), 100];
      const temperature = views === 'flip' ? 1.5 : 1;
      const evaluation = await evaluate(resized, path, { views, temperature });
      assert.equal(evaluation.results.length, count);
      for (const { name, classes } of evaluation.results) {
        assert.deepEqual(classes, answers[name], name);
      }
      if (count < 100) continue;
      const difference = Math.abs(evaluation.nll - nll[String(temperature)]!);
      assert.ok(difference < 1e-4, `${views}: ${evaluation.nll}`);
      const correct = Object.values(answers).filter(([first], i) => first === 10 * i).length;
      assert.equal(evaluation.top1.correct, correct);
    }
  });

  it('agrees with plain PyTorch and Pillow for each photo', async function () {
    await prepare(this);
    const answers = await readAnswers();
    const evaluation = await run(photosOrSkip(this));
    check(evaluation, expected);
    for (const { name, classes } of evaluation.results)
      assert.deepEqual(classes, answers[name], name);
  });
});
