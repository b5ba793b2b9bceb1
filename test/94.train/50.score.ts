import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { create } from 'tar';
import type { Classifier } from '../../src/classify';
import { openDataset, type Dataset } from '../../src/dataset';
import { DatasetError, OptionError, TrainingError } from '../../src/errors';
import { scorePool, selectImages, type ScorePoolProgress } from '../../src/pseudo-labels';
import { colors, openColorModel, saveColor, saveColorModel } from '../support/color-model';
import { Random } from '../support/random';
import { root, typescript } from '../support/run-node';
import { temporaryDirectory } from '../support/temporary';

const kills = Number(process.env.SEMISUP_TEST_KILLS ?? 8);
const count = 130;

describe('scorePool', function () {
  this.timeout(240_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  const options = (out: string) => ({ out: path(out), imagesPerShard: 20 });
  let model: Classifier;
  let pool: Dataset;

  beforeEach(async () => {
    model = await openColorModel(await saveColorModel(path('colors.pt')));
    for (let i = 0; i < count; i++) {
      const name = `pool/${i % 4}/${String(i).padStart(3, '0')}.png`;
      await saveColor(path(name), colors[i % 3]!, 20 + i);
    }
    pool = await openDataset(path('pool'), { labels: false });
  });
  afterEach(async () => {
    await model.close();
  });

  const rowsIn = async (out: string) => {
    const { asyncBufferFromFile, parquetReadObjects } = await import('hyparquet');
    const names = (await readdir(path(out))).filter((name) => name.endsWith('.parquet')).toSorted();
    const rows: Record<string, unknown>[] = [];
    for (const name of names) {
      rows.push(
        ...(await parquetReadObjects({ file: await asyncBufferFromFile(path(`${out}/${name}`)) })),
      );
    }
    return rows;
  };
  const bytesIn = async (out: string) => {
    const names = (await readdir(path(out))).toSorted();
    return await Promise.all(
      names.map(async (name) => [name, await readFile(path(`${out}/${name}`))] as const),
    );
  };
  const refuses = async (code: string, message: RegExp, scoring: Promise<unknown>) => {
    await assert.rejects(scoring, (error: unknown) => {
      assert.ok(error instanceof TrainingError, String(error));
      assert.equal(error.code, `ERR_SEMISUP_TRAINING_${code}`);
      assert.match(error.message, message);
      return true;
    });
  };

  it('writes what classify returns', async () => {
    const progress: ScorePoolProgress[] = [];
    const { files, scored, unreadable } = await scorePool(model, pool, {
      ...options('out'),
      ...{ temperature: 2, classesPerImage: 2 },
      onProgress: (one) => progress.push(one),
    });
    assert.deepEqual([files.length, scored, unreadable], [7, count, []]);
    const { done, total, unreadable: failed, rate } = progress.at(-1)!;
    assert.deepEqual([done, total, failed], [count, count, 0]);
    assert.ok(rate > 0);
    const expected: Record<string, unknown>[] = [];
    for await (const { name, image } of pool.samples()) {
      const [first, second] = await model.classify(image, { topk: 2, temperature: 2 });
      expected.push({
        ...{ image: name, class_1: first!.index, class_2: second!.index },
        ...{ score_1: Math.fround(first!.score), score_2: Math.fround(second!.score) },
      });
    }
    assert.deepEqual(await rowsIn('out'), expected);
    const selection = await selectImages(path('out'), { imagesPerClass: 5 });
    assert.deepEqual([...selection.imagesOf(0)].map(({ image }) => image)[0], '1/129.png');
  });

  it('reads archives and several datasets, and lists unreadable images', async () => {
    await writeFile(path('pool/0/000.png'), 'damaged');
    await create({ file: path('more.tar'), cwd: path('pool'), portable: true }, ['1']);
    const more = await openDataset(path('more.tar'));
    const { scored, unreadable } = await scorePool(model, [pool, more], options('out'));
    assert.deepEqual(
      [scored, unreadable.map(({ name }) => name)],
      [count - 1 + 33, ['pool/0/000.png']],
    );
    const names = (await rowsIn('out')).map(({ image }) => image);
    assert.deepEqual([names[0], names[count - 1]], ['pool/0/004.png', 'more.tar/1/001.png']);
    const before = await bytesIn('out');
    await rm(path('out/score-00000.parquet'));
    const again = await scorePool(model, [pool, more], options('out'));
    assert.deepEqual([again.scored, again.unreadable], [scored, unreadable]);
    assert.deepEqual(await bytesIn('out'), before);
    await assert.rejects(scorePool(model, [pool, pool], options('out')), OptionError);
    await assert.rejects(scorePool(model, [], options('out')), OptionError);
    await assert.rejects(scorePool(model, undefined as never, options('out')), OptionError);
  });

  it(`writes the same files after the process was killed ${kills} times`, async () => {
    await scorePool(model, pool, options('whole'));
    const whole = await bytesIn('whole');
    const random = new Random(3);
    const script = join(__dirname, '../support/children/slow-scoring.ts');
    const args = ['--require', typescript, script, path('colors.pt'), path('pool'), path('out')];
    const start = async () => {
      const child = spawn(process.execPath, args, {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      return { child, closed: once(child, 'close') };
    };
    const filesIn = async () => (await readdir(path('out')).catch(() => [])).length;
    for (let i = 0; i < kills; i++) {
      const files = await filesIn();
      const { child, closed } = await start();
      // Every fourth process is killed after it has written something, however slow the machine is.
      while (i % 4 === 0 && child.exitCode === null && (await filesIn()) === files) await sleep(5);
      await sleep(100 * random.next());
      child.kill('SIGKILL');
      await closed;
    }
    // Of a process that was killed while it wrote, until the next one writes that file.
    const { child, closed } = await start();
    await closed;
    assert.equal(child.exitCode, 0);
    assert.deepEqual(await bytesIn('out'), whole);
  });

  it('computes a missing file alone, and goes on after an abort', async () => {
    await scorePool(model, pool, options('out'));
    const before = await bytesIn('out');
    await rm(path('out/score-00002.parquet'));
    const read: string[] = [];
    const counted: Dataset = {
      name: pool.name,
      async *samples(how) {
        for await (const sample of pool.samples(how)) {
          read.push(sample.name);
          yield sample;
        }
      },
    };
    await scorePool(model, counted, options('out'));
    assert.equal(read.length, 20);
    assert.deepEqual(await bytesIn('out'), before);
    // A dataset that does not skip.
    await rm(path('out/score-00005.parquet'));
    const plain: Dataset = { name: pool.name, samples: () => pool.samples() };
    await scorePool(model, plain, options('out'));
    assert.deepEqual(await bytesIn('out'), before);
    const controller = new AbortController();
    const stopped = scorePool(model, pool, {
      ...options('other'),
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done > 50) controller.abort(new Error('stop'));
      },
    });
    await assert.rejects(stopped, /stop/);
    assert.ok((await readdir(path('other'))).length >= 1);
    await scorePool(model, pool, options('other'));
    assert.deepEqual(await bytesIn('other'), before);
  });

  it('refuses the scores of another run', async () => {
    await scorePool(model, pool, options('out'));
    const again = (changes: object, other: Classifier = model) =>
      scorePool(other, pool, { ...options('out'), ...changes });
    await refuses('RUN', /classesPerImage was 3, and is now 2/, again({ classesPerImage: 2 }));
    await refuses('RUN', /temperature was 1, and is now 2/, again({ temperature: 2 }));
    await refuses('RUN', /imagesPerShard was 20, and is now 30/, again({ imagesPerShard: 30 }));
    const biased = await openColorModel(await saveColorModel(path('colors.pt'), [0.1, 0, 0]));
    await refuses('RUN', /the weights of the model differ/, again({}, biased));
    await biased.close();
    await saveColor(path('pool/0/0000.png'), 'red');
    const grown = await openDataset(path('pool'), { labels: false });
    await refuses('RUN', /the images of the pool differ/, scorePool(model, grown, options('out')));
    await rm(path('pool/0'), { recursive: true });
    const shrunk = await openDataset(path('pool'), { labels: false });
    await refuses('RUN', /the images of the pool differ/, scorePool(model, shrunk, options('out')));
    await writeFile(path('out/score-00001.parquet'), 'damaged');
    await refuses('SCORES', /score-00001/, again({}));
  });

  it('refuses a pool that has changed at its end alone', async () => {
    const list = async (names: readonly string[]) => {
      await writeFile(path('pool/list.txt'), names.join('\n'));
      return await openDataset(path('pool/list.txt'), { labels: false });
    };
    const names: string[] = [];
    for await (const { name } of pool.samples()) names.push(name);
    await scorePool(model, await list(names.slice(0, 40)), options('out'));
    for (const length of [20, 30, 50]) {
      const changed = await list(names.slice(0, length));
      await refuses(
        'RUN',
        /the images of the pool differ/,
        scorePool(model, changed, options('out')),
      );
    }
  });

  it('fails for an empty pool, and checks its options', async () => {
    const empty: Dataset = { name: 'none', samples: () => Readable.from([]) };
    await assert.rejects(scorePool(model, empty, options('out')), DatasetError);
    for (const changes of [
      { out: '' },
      { classesPerImage: 4 },
      { imagesPerShard: 0 },
      { temperature: 0 },
      { topk: 3 },
    ]) {
      const wrong = { ...options('out'), ...changes } as never;
      await assert.rejects(scorePool(model, pool, wrong), OptionError);
    }
    await writeFile(path('file'), '');
    await refuses('WRITE', /file/, scorePool(model, pool, options('file')));
  });
});
