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
import { photosIn } from '../support/accuracy';
import { photosOrSkip } from '../support/photos';

/** The numbers of photos that PyTorch and Pillow classify correctly, with the same weights. */
const expected = { top1: 90, top5: 100, total: 100 };

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
  const check = ({ top1, top5, unreadable, unlabeled }: Evaluation) => {
    assert.deepEqual({ top1: top1.correct, top5: top5.correct, total: top1.total }, expected);
    assert.deepEqual([unreadable, unlabeled], [[], []]);
  };
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
    const photos = await prepare(this);
    const flat = await run(photosOrSkip(this));
    check(flat);
    const wnidOf = (photo: string) => basename(photo).split('_')[0]!;
    for (const photo of photos) {
      const folder = join(directory, 'val', wnidOf(photo));
      await mkdir(folder, { recursive: true });
      await symlink(photo, join(folder, basename(photo)));
    }
    const list = photos.map((photo) => `${basename(photo)} ${wnidOf(photo)}\n`).join('');
    await cp(photosOrSkip(this), join(directory, 'flat'), { recursive: true });
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
      check(evaluation);
      if (!path.includes('{')) assert.deepEqual(answersOf(evaluation), answersOf(flat), path);
    }
  });

  it('agrees with plain PyTorch and Pillow for each photo', async function () {
    await prepare(this);
    // fixtures/classify_photos.py wrote it.
    const golden = await readFile(join(__dirname, 'fixtures', 'photos.json'), 'utf8');
    const answers = JSON.parse(golden) as Record<string, number[]>;
    const { results } = await run(photosOrSkip(this));
    assert.equal(results.length, 100);
    for (const { name, classes } of results) assert.deepEqual(classes, answers[name], name);
  });
});
