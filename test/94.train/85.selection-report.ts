import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import type { Browser, Page } from 'playwright-core';
import { create } from 'tar';
import { runInSlices } from '../../src/checkpoint/slices';
import { openDataset, type Dataset } from '../../src/dataset';
import { DatasetError, EvaluationError, OptionError } from '../../src/errors';
import { selectImages, type Selection } from '../../src/pseudo-labels';
import { writeSelectionReport, type SelectionReportOptions } from '../../src/selection-report';
import { summarizeSelection } from '../../src/selection-report/selection-summary';
import { spreadRanks } from '../../src/selection-report/spread-ranks';
import { browserOrSkip, inEveryView } from '../support/browser';
import { colors, saveColor } from '../support/color-model';
import { Random } from '../support/random';
import { generateScores, scoringOf, writeShards, type ScoredImage } from '../support/scores';
import { temporaryDirectory } from '../support/temporary';

/** The bounds of Wilson's interval are the shares `p` with (p - share)^2 = z^2 p (1 - p) / total. */
function assertInterval(interval: readonly number[], correct: number, total: number): void {
  for (const p of interval) {
    const difference = (p - correct / total) ** 2 - (1.959964 ** 2 * p * (1 - p)) / total;
    assert.ok(Math.abs(difference) < 1e-6, `${String(interval)} of ${correct} / ${total}`);
  }
}

/** As NumPy's `quantile`. */
function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(position)]!, sorted[Math.ceil(position)]!];
  return low * (1 - (position % 1)) + high * (position % 1);
}

const isNear = (actual: number, expected: number) => {
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);
};

describe('the summary of a selection', function () {
  this.timeout(60_000);
  const directory = temporaryDirectory();

  it('spreads ranks evenly from the first to the last', () => {
    assert.deepEqual(spreadRanks(0, 5), []);
    assert.deepEqual(spreadRanks(3, 5), [1, 2, 3]);
    assert.deepEqual(spreadRanks(9, 5), [1, 3, 5, 7, 9]);
    assert.deepEqual(spreadRanks(100, 1), [1]);
    const positive = fc.integer({ min: 2, max: 5000 });
    const property = fc.property(positive, positive, (count, max) => {
      const ranks = spreadRanks(count, max);
      assert.equal(ranks.length, Math.min(count, max));
      assert.deepEqual([ranks[0], ranks.at(-1)], [1, count]);
      const steps = ranks.slice(1).map((rank, i) => rank - ranks[i]!);
      assert.ok(Math.min(...steps) >= 1);
      assert.ok(Math.max(...steps) - Math.min(...steps) <= 1);
    });
    fc.assert(property, { numRuns: 200, seed: 20_261_201 });
  });

  it('counts right images and scores by class and rank', async () => {
    const random = new Random(7);
    const classes = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const images = generateScores(3000, classes.length, 2, 3);
    // A third has no known class; some have one that the model does not know.
    const labels = new Map(
      images
        .filter(() => random.next() > 0.33)
        .map(({ image }) => [image, [...classes, 'z'][random.below(9)]!]),
    );
    await writeShards(directory.path, images, 2, scoringOf(classes.length, 2));
    for (const [imagesPerClass, balanced] of [
      [1, true],
      [40, true],
      [300, true],
      [120, false],
    ] as const) {
      const options = { imagesPerClass, balanced };
      const selection = await selectImages(directory.path, options);
      const summary = await runInSlices(summarizeSelection(selection, classes, labels));
      const lists = classes.map((_, i) => [...selection.imagesOf(i)]);
      const countOf = (entries: readonly { image: string }[], name: string) => {
        const known = entries.flatMap(({ image }) => labels.get(image) ?? []);
        return { correct: known.filter((label) => label === name).length, total: known.length };
      };
      for (const [i, one] of summary.classes.entries()) {
        const scores = lists[i]!.map(({ score }) => score);
        assert.deepEqual(
          [one.index, one.name, one.count, one.highest, one.lowest],
          [i, classes[i], scores.length, scores[0], scores.at(-1)],
        );
        isNear(one.median, quantileOf(scores, 0.5));
        const { correct, total } = one.precision;
        assert.deepEqual({ correct, total }, countOf(lists[i]!, classes[i]!));
      }
      const longest = Math.max(...lists.map((list) => list.length));
      const ranks = summary.ranks.map(({ rank }) => rank);
      assert.deepEqual([ranks[0], ranks.at(-1)], [1, longest]);
      assert.equal(new Set(ranks).size, ranks.length);
      assert.ok(ranks.length >= Math.min(longest, 200) && ranks.length <= 201);
      for (const { rank, classes: count, scores, precision } of summary.ranks) {
        const reaching = [...lists.entries()].filter(([, list]) => list.length >= rank);
        assert.equal(count, reaching.length);
        const atRank = reaching.map(([, list]) => list[rank - 1]!.score);
        for (const [i, share] of [0.25, 0.5, 0.75].entries()) {
          isNear(scores[i]!, quantileOf(atRank, share));
        }
        const tallies = reaching.map(([i, list]) => countOf(list.slice(0, rank), classes[i]!));
        const sum = (key: 'correct' | 'total') => tallies.reduce((all, one) => all + one[key], 0);
        assert.deepEqual([precision.correct, precision.total], [sum('correct'), sum('total')]);
        if (precision.total > 0) assertInterval(precision.interval, sum('correct'), sum('total'));
      }
      const multiple = [...selection.images()].filter((one) => one.classes.length > 1);
      assert.equal(summary.multiLabelCount, multiple.length);
    }
  });

  it('has the mean of the precisions of the classes, if all true classes are known', async () => {
    const images = generateScores(400, 5, 1, 3);
    const names = ['0', '1', '2', '3', '4'];
    const labels = new Map(images.map(({ image }, i) => [image, names[i % 5]!]));
    await writeShards(directory.path, images, 1, scoringOf(5, 1));
    const selection = await selectImages(directory.path, { imagesPerClass: 30 });
    const { ranks } = await runInSlices(summarizeSelection(selection, names, labels));
    for (const { rank, precision } of ranks) {
      const precisions = names.map((name, i) => {
        const first = [...selection.imagesOf(i)].slice(0, rank);
        return first.filter(({ image }) => labels.get(image) === name).length / rank;
      });
      isNear(precision.share, precisions.reduce((a, b) => a + b) / 5);
    }
  });
});

describe('the report of a selection', function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  const count = 36;
  const hostile = `<img src=x onerror="alert(1)">'&.png`;
  let images: ScoredImage[];
  let labels: Map<string, string>;
  let pool: Dataset;
  let selection: Selection;
  let browser: Browser | undefined;

  // The teacher takes every fourth green image for a red one. Each class has 12 images.
  beforeEach(async () => {
    images = Array.from({ length: count }, (_, i) => {
      const score = (99 - i) / 100;
      return {
        image: i === 35 ? hostile : `${i % 3}/${String(i).padStart(2, '0')}.png`,
        classes: [i % 3, (i + 1) % 3],
        scores: [Math.fround(score), Math.fround(1 - score)],
      };
    });
    labels = new Map(images.map(({ image }, i) => [image, colors[i % 12 === 3 ? 1 : i % 3]!]));
    for (const [i, { image }] of images.entries()) {
      await saveColor(path(`pool/${image}`), colors[i % 3]!, 100 + i);
    }
    pool = await openDataset(path('pool'), { labels: false });
    await writeShards(path('scores'), images, 2, scoringOf(3, 2));
    selection = await selectImages(path('scores'), { imagesPerClass: 10, classesPerImage: 1 });
  });
  afterEach(async () => {
    await browser?.close();
    browser = undefined;
  });

  const write = async (options: Partial<SelectionReportOptions> = {}) => {
    await writeSelectionReport(path('page.html'), selection, { pool, classes: colors, ...options });
    return await readFile(path('page.html'), 'utf8');
  };

  it('shows figures, pictures and numbers in a browser, at any width, light and dark', async function () {
    browser = await browserOrSkip(this);
    await write({ labels, title: '<b>&', picturesPerClass: 4 });
    await inEveryView(browser, path('page.html'), checkPage);
  });

  async function checkPage(page: Page): Promise<void> {
    const text = (await page.innerText('main')).replaceAll('\u00a0', ' ');
    assert.match(text, /^<b>&/);
    assert.match(text, /From the 36 images of the pool, 30 were selected, each for one class/);
    assert.match(text, /each of the 3 classes .* K = 10 highest scores \(balanced\)/);
    assert.match(text, /P = 1 most probable/);
    assert.match(text, /Of the 30 labels .*, 90\.00 % are right \(95 % interval 74\.38 % to/);
    assert.match(
      text,
      /red\s+10\s+70\.00 %\s+39\.68 % to 89\.22 %\s+99\.00 %\s+85\.50 %\s+72\.00 %/,
    );
    assert.match(text, /red 10 selected, 7 of 10 right: 70\.00 %/);
    const [precision, score] = await page.evaluate<{ x: number; y: number }[][][]>(
      `['precision', 'score'].map((id) => Chart.getChart(id).data.datasets.map(({ data }) => data))`,
    );
    // Of 30 images, those of red at the ranks 2, 6 and 10 are wrong.
    const correct = [3, 5, 8, 11, 14, 16, 19, 22, 25, 27];
    for (const [i, { x, y }] of precision![0]!.entries()) {
      assert.equal(x, i + 1);
      isNear(y, correct[i]! / (3 * x));
      const bounds = [precision![1]![i]!.y, precision![2]![i]!.y];
      assertInterval(correct[i] === 3 * x ? bounds.slice(1) : bounds, correct[i]!, 3 * x);
    }
    assert.deepEqual(
      score!.map((points) => points.map(({ y }) => Math.round(1000 * y))),
      [0.98, 0.985, 0.975].map((first) =>
        Array.from({ length: 10 }, (_, i) => Math.round(1000 * first) - 30 * i),
      ),
    );
    const tiles = await page.evaluate<[string, string | undefined, string, number][]>(
      `[...document.querySelectorAll('#class-0 li')].map((tile) => {
        const image = tile.querySelector('img');
        image.scrollIntoView();
        return [tile.innerText.split('\\n').join(' '), tile.querySelector('strong')?.innerText, getComputedStyle(image).outlineStyle, image.naturalWidth];
      })`,
    );
    assert.deepEqual(tiles, [
      ['#1 99.0 %', undefined, 'none', 160],
      ['#4 90.0 %', undefined, 'none', 160],
      ['#7 81.0 %', undefined, 'none', 160],
      ['#10 72.0 % green', 'green', 'solid', 160],
    ]);
    const marks = await page.evaluate<string[]>(
      `[...document.querySelectorAll('.ranks strong')].map((mark) => getComputedStyle(mark, '::before').content)`,
    );
    assert.deepEqual(marks, ['"✗ is "']);
    await page.click('td a >> text=blue');
    assert.equal(await page.evaluate('location.hash'), '#class-2');
    for (const [id, color] of [
      ['precision', [0, 0x72, 0xb2]],
      ['score', [0xd5, 0x5e, 0]],
    ] as const) {
      const pixels = await page.evaluate<number>(`(() => {
        const canvas = document.getElementById('${id}');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4) {
          if ([${String(color)}].every((value, channel) => data[i + channel] === value)) count++;
        }
        return count;
      })()`);
      assert.ok(pixels > 100, `${id} has ${pixels} pixels of its curve`);
    }
  }

  it('draws the point of a single rank', async function () {
    browser = await browserOrSkip(this);
    selection = await selectImages(path('scores'), { imagesPerClass: 1 });
    await write({ labels });
    const page = await browser.newPage();
    await page.goto(pathToFileURL(path('page.html')).href);
    const points = await page.evaluate<[number, boolean][]>(
      `['precision', 'score'].map((id) => {
        const chart = Chart.getChart(id);
        const [point] = chart.getDatasetMeta(0).data;
        return [chart.data.datasets[0].data.length, chart.isPointInArea(point)];
      })`,
    );
    assert.deepEqual(points, [
      [1, true],
      [1, true],
    ]);
  });

  it('shows scores alone where no true class is known, and hostile names as text', async function () {
    browser = await browserOrSkip(this);
    selection = await selectImages(path('scores'), { imagesPerClass: 12, balanced: false });
    const classes = ['<script>alert(1)</script>', `"'><b>`, 'plain'];
    const html = await write({ classes, labels: new Map([['other', 'plain']]) });
    assert.match(html, /default-src 'none'/);
    assert.doesNotMatch(html, /<b>|<script>alert|<img src=x|(src|href)="(?!data:|#)/);
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('dialog', (dialog) => problems.push(dialog.message()));
    page.on('console', (message) => problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(pathToFileURL(path('page.html')).href);
    const text = await page.innerText('main');
    for (const name of classes) assert.ok(text.includes(name), name);
    assert.match(text, /3 times K = 12 highest scores of all classes \(not balanced\)/);
    assert.doesNotMatch(text, /Precision|interval/);
    const alt = await page.evaluate<string[]>('[...document.images].map(({ alt }) => alt)');
    assert.ok(alt.includes(hostile));
    assert.deepEqual(problems, []);
  });

  it('marks wrong images by their true class, and only where it is known', async () => {
    labels = new Map([
      ['0/03.png', `<i>"`],
      ['0/06.png', 'red'],
    ]);
    const html = await write({ labels });
    const marks = [...html.matchAll(/<li[^>]*title="([^"]*)"[^\n]*<strong[^>]*>([^<]*)</g)];
    assert.deepEqual(
      marks.map(([, name, label]) => [name, label]),
      [['0/03.png', '&#60;i&#62;&#34;']],
    );
    assert.equal(html.match(/class="mistaken"/g)?.length, 1);
    assert.match(html, /Of the 2 labels .* 50\.00&nbsp;% are right/);
  });

  it('says how many images have several labels', async () => {
    selection = await selectImages(path('scores'), { imagesPerClass: 20 });
    const both = [...selection.images()].filter((one) => one.classes.length === 2).length;
    assert.ok(both > 0);
    const text = `36 were selected, ${both} of them for several classes, which makes 60 labels`;
    assert.ok((await write()).includes(text));
  });

  it('leaves missing and unreadable images blank', async () => {
    await rm(path('pool/0/00.png'));
    await writeFile(path('pool/1/01.png'), 'no image');
    const progress: { done: number; total: number }[] = [];
    const rest = await openDataset(path('pool'), { labels: false });
    const html = await write({ pool: rest, onProgress: (one) => progress.push(one) });
    const blanks = [...html.matchAll(/title="([^"]*)"><div class="blank">([^<]*)</g)];
    assert.deepEqual(
      blanks.map(([, name, text]) => [name, text]),
      [
        ['0/00.png', 'is not in the pool'],
        ['1/01.png', 'cannot be read'],
      ],
    );
    assert.equal(html.match(/<img src="data:/g)?.length, 28);
    assert.deepEqual(
      progress.map(({ done }) => done),
      Array.from({ length: 29 }, (_, i) => i + 1),
    );
    assert.ok(progress.every(({ total }) => total === 30));
  });

  it('reads archives, and of several datasets only the images that it shows, once', async () => {
    await create({ file: path('first.tar'), cwd: path('pool') }, ['0']);
    await create({ file: path('second.tar'), cwd: path('pool') }, ['1', '2', hostile]);
    const datasets = [
      await openDataset(path('first.tar'), { labels: false }),
      await openDataset(path('second.tar'), { labels: false }),
    ];
    const renamed = images.map((one) => ({
      ...one,
      image: `${one.image.startsWith('0') ? 'first' : 'second'}.tar/${one.image}`,
    }));
    await writeShards(path('renamed'), renamed, 1, scoringOf(3, 2));
    selection = await selectImages(path('renamed'), { imagesPerClass: 12, classesPerImage: 1 });
    const read: string[] = [];
    const counted = datasets.map((dataset): Dataset => ({
      name: dataset.name,
      async *samples(options) {
        read.push(dataset.name);
        for await (const sample of dataset.samples(options)) {
          read.push(sample.name);
          yield sample;
        }
      },
    }));
    const html = await write({ pool: counted, picturesPerClass: 2 });
    assert.equal(html.match(/<img src="data:/g)?.length, 6);
    assert.deepEqual(
      read.toSorted(),
      [
        path('first.tar'),
        path('second.tar'),
        '0/00.png',
        '0/33.png',
        '1/01.png',
        '1/34.png',
        '2/02.png',
        hostile,
      ].toSorted(),
    );
    assert.match(html, /From the pool, 36 were selected/);
  });

  it('has pictures of the 50 most doubtful classes, and says how many are left out', async () => {
    const classes = Array.from({ length: 60 }, (_, i) => `class ${i}`);
    images = classes.flatMap((_, i) =>
      [0, 1].map((second) => ({
        image: `${i}-${second}`,
        classes: [i],
        scores: [Math.fround((100 - i - second / 2) / 100)],
      })),
    );
    await writeShards(path('many'), images, 1, scoringOf(60, 1));
    selection = await selectImages(path('many'), { imagesPerClass: 2 });
    const shownIn = (html: string) =>
      [...html.matchAll(/<section id="class-(\d+)"/g)].map(([, index]) => Number(index));
    const html = await write({ classes });
    assert.deepEqual(
      shownIn(html),
      Array.from({ length: 50 }, (_, i) => 10 + i),
    );
    assert.match(html, /The 50 classes with the lowest median score; 10 others are left out\./);
    assert.equal(html.match(/<tr>/g)?.length, 61);
    // Right are all images of the last ten classes, and the first one of the others.
    const known = images.map(({ image, classes: [index] }) => {
      return [image, index! >= 50 || image.endsWith('-0') ? classes[index!]! : 'none'] as const;
    });
    const judged = await write({ classes, labels: new Map(known) });
    assert.deepEqual(
      shownIn(judged),
      Array.from({ length: 50 }, (_, i) => i),
    );
    assert.match(judged, /The 50 classes with the lowest precision; 10 others are left out\./);
  });

  it('checks its options', async () => {
    const check = async (options: object, message: RegExp) => {
      await assert.rejects(write(options), (error: unknown) => {
        assert.ok(error instanceof OptionError, String(error));
        assert.match(error.message, message);
        return true;
      });
    };
    await check({ pool: undefined }, /datasets of openDataset/);
    await check({ classes: ['a', 'b'] }, /the names of the 3 classes for classes/);
    await check({ classes: [1, 2, 3] }, /the names of the 3 classes for classes/);
    await check({ labels: {} }, /a Map of names of images/);
    await check({ title: 1 }, /a text for title/);
    await check({ picturesPerClass: 101 }, /an integer from 1 to 100 for picturesPerClass/);
    await check({ picturesPerClass: 1.5 }, /an integer from 1 to 100 for picturesPerClass/);
    await check({ orient: 1 }, /true or false for orient/);
    await check({ onProgress: 1 }, /a function for onProgress/);
    await check({ imagesPerClass: 4 }, /no option 'imagesPerClass'/);
    assert.ok(!existsSync(path('page.html')));
  });

  it('writes no file if it is aborted, or the pool cannot be read', async () => {
    const controller = new AbortController();
    const onProgress = () => {
      controller.abort(new Error('stop'));
    };
    await assert.rejects(write({ signal: controller.signal, onProgress }), /^Error: stop$/);
    const unreadable: Dataset = {
      name: 'unreadable',
      // eslint-disable-next-line require-yield
      async *samples() {
        await Promise.resolve();
        throw new DatasetError('ERR_SEMISUP_DATASET_FORMAT', {
          what: 'No.',
          remedy: 'None.',
          value: 1,
        });
      },
    };
    await assert.rejects(write({ pool: unreadable }), DatasetError);
    assert.ok(!existsSync(path('page.html')));
    const options = { pool, classes: colors };
    await assert.rejects(writeSelectionReport(path('pool'), selection, options), EvaluationError);
  });
});
