import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { DatasetError, OptionError, TrainingError } from '../../src/errors';
import { runInSlices } from '../../src/checkpoint/slices';
import { mergeSelections, selectImages, type Selection } from '../../src/pseudo-labels';
import { ScoreFile } from '../../src/pseudo-labels/score-file';
import { Selector } from '../../src/pseudo-labels/selector';
import { generateScores, scoringOf, writeShards, type ScoredImage } from '../support/scores';
import { temporaryDirectory } from '../support/temporary';

interface Rule {
  readonly imagesPerClass: number;
  readonly classesPerImage: number;
  readonly balanced?: boolean;
}

/** The pairs of each class, by sorting all of them. */
function expectedOf(images: readonly ScoredImage[], numClasses: number, rule: Rule) {
  const { imagesPerClass, classesPerImage, balanced = true } = rule;
  const pairs = images
    .flatMap(({ image, classes, scores }) =>
      classes
        .slice(0, classesPerImage)
        .map((classIndex, rank) => ({ image, classIndex, score: scores[rank]! })),
    )
    .toSorted(
      (a, b) =>
        b.score - a.score ||
        (a.image < b.image ? -1 : 1) * Number(a.image !== b.image) ||
        a.classIndex - b.classIndex,
    );
  const result: { image: string; score: number }[][] = [];
  for (let i = 0; i < numClasses; i++) result.push([]);
  for (const { classIndex, ...pair } of balanced
    ? pairs
    : pairs.slice(0, imagesPerClass * numClasses)) {
    result[classIndex]!.push(pair);
  }
  return balanced ? result.map((list) => list.slice(0, imagesPerClass)) : result;
}

function pairsOf(selection: Selection) {
  return Array.from({ length: selection.numClasses }, (_, i) => [...selection.imagesOf(i)]);
}

describe('selectImages', function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);

  it('selects what sorting all scores does, from any shards in any order', async () => {
    const sizes = {
      numClasses: fc.integer({ min: 2, max: 9 }),
      kept: fc.integer({ min: 1, max: 3 }),
    };
    const rule = {
      imagesPerClass: fc.integer({ min: 1, max: 40 }),
      classesPerImage: fc.integer({ min: 1, max: 3 }),
      balanced: fc.boolean(),
    };
    const property = fc.asyncProperty(
      fc.record({ ...sizes, ...rule, count: fc.integer({ min: 1, max: 150 }), seed: fc.nat() }),
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      async ({ numClasses, kept, count, seed, ...options }, shards, isReversed) => {
        const columns = Math.min(kept, numClasses, 3);
        const all = { ...options, classesPerImage: Math.min(options.classesPerImage, columns) };
        // `generateScores` needs different classes for an image.
        const scoring = scoringOf(3 * numClasses + 1, columns);
        const { classes } = scoring.conditions;
        const images = generateScores(count, classes, columns, seed);
        const used = Math.min(shards, count);
        const files = await writeShards(path('property'), images, used, scoring);
        const selection = await selectImages(isReversed ? files.toReversed() : files, all);
        const expected = expectedOf(images, classes, all);
        assert.deepEqual(pairsOf(selection), expected);
        assert.equal(selection.size, expected.flat().length);
        assert.equal(selection.imageCount, new Set(expected.flat().map(({ image }) => image)).size);
        const labels = expected.flatMap((pairs, index) =>
          pairs.map(({ image }) => `${image} ${index}`),
        );
        const students = [...selection.images()].flatMap(({ image, classes: indices }) =>
          indices.map((index) => `${image} ${index}`),
        );
        assert.deepEqual(students.toSorted(), labels.toSorted());
        await rm(path('property'), { recursive: true });
      },
    );
    await fc.assert(property, { numRuns: 60, seed: 20_261_130 });
  });

  it('selects the same of 200,000 images in 1, 7 and 64 shards', async () => {
    const scoring = scoringOf(100, 5);
    const images = generateScores(200_000, 100, 5, 1);
    const written: Buffer[][] = [];
    for (const shards of [1, 7, 64]) {
      const files = await writeShards(path(`${shards}`), images, shards, scoring);
      const shuffled = files.map((_, i) => files[(i * 5 + 3) % files.length]!);
      const out = path(`${shards}/selection`);
      const selection = await selectImages(shuffled, { imagesPerClass: 500, out });
      assert.deepEqual([selection.size, selection.numClasses], [50_000, 100]);
      assert.equal(selection.count(99), 500);
      written.push([
        await readFile(join(out, 'selection.parquet')),
        await readFile(join(out, 'images.parquet')),
      ]);
    }
    assert.deepEqual(written[1], written[0]);
    assert.deepEqual(written[2], written[0]);
    const whole = await selectImages(path('7'), { imagesPerClass: 500 });
    const rule = { imagesPerClass: 500, classesPerImage: 5 };
    assert.deepEqual(pairsOf(whole), expectedOf(images, 100, rule));
  });

  it('keeps the names of selected images alone', async () => {
    const images = generateScores(5000, 20, 3, 9).toSorted((a, b) => a.scores[0]! - b.scores[0]!);
    const [file] = await writeShards(path('rising'), images, 1, scoringOf(20, 3));
    const rule = { imagesPerClass: 10, classesPerImage: 3, balanced: true };
    const selector = new Selector(scoringOf(20, 3), rule, images.length, 10_000);
    let maxBytes = 0;
    const scores = await ScoreFile.open(file!);
    for await (const rows of scores.groups(3)) {
      for (let first = 0; first < rows.images.length; first += 100) {
        await runInSlices(
          selector.add({
            images: rows.images.slice(first, first + 100),
            classes: rows.classes.map((column) => column.slice(first, first + 100)),
            scores: rows.scores.map((column) => column.slice(first, first + 100)),
          }),
        );
        maxBytes = Math.max(maxBytes, selector.nameBytes);
      }
    }
    await scores.close();
    const selection = await runInSlices(selector.finish());
    assert.deepEqual(pairsOf(selection), expectedOf(images, 20, rule));
    // Of 5000 images, at most 200 are selected, and 100 are added at a time.
    assert.ok(maxBytes < 25_000, String(maxBytes));
  });

  it('writes Parquet that lists each class best first, and each image once', async () => {
    const images = [
      { image: 'b', classes: [0, 2], scores: [0.5, 0.25] },
      { image: '😀', classes: [0, 1], scores: [0.5, 0.125] },
      { image: '\uff5e', classes: [0, 2], scores: [0.5, 0.5] },
    ];
    await writeShards(path('few'), images, 1, scoringOf(3, 2));
    const out = path('deep/out');
    await selectImages(path('few'), { imagesPerClass: 2, out });
    const { asyncBufferFromFile, parquetReadObjects } = await import('hyparquet');
    const read = async (name: string) =>
      await parquetReadObjects({ file: await asyncBufferFromFile(join(out, name)) });
    // Equal scores by code point: U+FF5E is before U+1F600, though not in UTF-16.
    assert.deepEqual(await read('selection.parquet'), [
      { class: 0, rank: 1, image: 'b', score: 0.5 },
      { class: 0, rank: 2, image: '\uff5e', score: 0.5 },
      { class: 1, rank: 1, image: '😀', score: 0.125 },
      { class: 2, rank: 1, image: '\uff5e', score: 0.5 },
      { class: 2, rank: 2, image: 'b', score: 0.25 },
    ]);
    assert.deepEqual(await read('images.parquet'), [
      { image: 'b', classes: [0, 2] },
      { image: '\uff5e', classes: [0, 2] },
      { image: '😀', classes: [1] },
    ]);
  });

  it('merges selections to that of the union', async () => {
    const scoring = scoringOf(20, 3);
    const images = generateScores(3000, 20, 3, 5);
    const files = await writeShards(path('parts'), images, 6, scoring);
    for (const balanced of [true, false]) {
      const options = { imagesPerClass: 30, classesPerImage: 2, balanced };
      const first = await selectImages(files.slice(0, 2), options);
      const second = await selectImages(files.slice(2), options);
      const whole = await selectImages(files, options);
      for (const merged of [
        await mergeSelections(first, second),
        await mergeSelections(second, first),
      ]) {
        assert.deepEqual(pairsOf(merged), pairsOf(whole));
        assert.deepEqual([...merged.images()], [...whole.images()]);
      }
      const other = await selectImages(files, { ...options, imagesPerClass: 29 });
      await assert.rejects(mergeSelections(first, other), OptionError);
      await assert.rejects(mergeSelections(whole, first), DatasetError);
    }
  });

  const refuses = async (code: string, message: RegExp, scores: string | readonly string[]) => {
    await assert.rejects(selectImages(scores, { imagesPerClass: 3 }), (error: unknown) => {
      assert.ok(error instanceof TrainingError || error instanceof DatasetError, String(error));
      assert.equal(error.code, `ERR_SEMISUP_${code}`);
      assert.match(error.message, message);
      return true;
    });
  };

  it('refuses shards that are missing, repeated or of other conditions', async () => {
    const images = generateScores(100, 20, 3, 5);
    const files = await writeShards(path('a'), images, 4, scoringOf(20, 3));
    await mkdir(path('empty'));
    await refuses('TRAINING_SCORES', /does not exist/, path('none'));
    await refuses('TRAINING_SCORES', /has no score files/, path('empty'));
    await refuses('TRAINING_SCORES', /there are none/, []);
    await refuses('DATASET_DUPLICATE', /twice/, [files[0]!, files[1]!, files[0]!]);
    await mkdir(path('gap'));
    for (const name of ['score-00000.parquet', 'score-00003.parquet']) {
      await copyFile(join(path('a'), name), join(path('gap'), name));
    }
    await refuses('TRAINING_SCORES', /score-00001\.parquet.* the shard is missing/, path('gap'));
    await rm(files[3]!);
    await refuses('TRAINING_SCORES', /score-00003\.parquet.* the shard is missing/, path('a'));
    const [others] = await writeShards(path('b'), images, 1, scoringOf(21, 3));
    await refuses('TRAINING_SCORES', /classes was 20, and is now 21/, [files[0]!, others!]);
    const [weights] = await writeShards(path('c'), images, 1, {
      ...scoringOf(20, 3),
      probe: [1, 2, 3.1],
    });
    await refuses('TRAINING_SCORES', /weights of the model differ/, [files[0]!, weights!]);
  });

  it('refuses damaged files', async () => {
    const [file] = await writeShards(
      path('whole'),
      generateScores(300, 20, 3, 5),
      1,
      scoringOf(20, 3),
    );
    const bytes = await readFile(file!);
    const damaged = path('damaged.parquet');
    await writeFile(damaged, 'no Parquet');
    await refuses('TRAINING_SCORES', /damaged\.parquet/, damaged);
    await writeFile(damaged, bytes);
    await truncate(damaged, bytes.length - 1);
    await refuses('TRAINING_SCORES', /damaged\.parquet/, damaged);
    await writeFile(damaged, Buffer.concat([bytes.subarray(0, 500), bytes.subarray(900)]));
    await refuses('TRAINING_SCORES', /damaged\.parquet/, damaged);
    // Scores above 1, and NaN.
    await writeFile(damaged, Buffer.from(bytes).fill(0x7f, bytes.length >> 1, bytes.length - 3000));
    await refuses('TRAINING_SCORES', /damaged/, damaged);
    for (let i = 0; i < 60; i++) {
      const mutated = Buffer.from(bytes);
      mutated[(i * 977) % bytes.length]! ^= 1 << (i % 8);
      await writeFile(damaged, mutated);
      // A bit within a name or a score need not show.
      await selectImages(damaged, { imagesPerClass: 3 }).catch((error: unknown) => {
        assert.ok(error instanceof TrainingError, String(error));
      });
    }
  });

  it('checks its options', async () => {
    await writeShards(path('few'), generateScores(10, 20, 3, 5), 1, scoringOf(20, 3));
    const check = async (options: object, message: RegExp) => {
      await assert.rejects(selectImages(path('few'), options as never), (error: unknown) => {
        assert.ok(error instanceof OptionError, String(error));
        assert.match(error.message, message);
        return true;
      });
    };
    await check({}, /imagesPerClass/);
    await check({ imagesPerClass: 0 }, /an integer of at least 1/);
    await check({ imagesPerClass: 1, classesPerImage: 4 }, /an integer from 1 to 3/);
    await check({ imagesPerClass: 1, balanced: 1 }, /true or false/);
    await check({ imagesPerClass: 1, minScore: 1 }, /no option 'minScore'/);
    const signal = AbortSignal.abort(new Error('stop'));
    await assert.rejects(selectImages(path('few'), { imagesPerClass: 1, signal }), /stop/);
  });
});
