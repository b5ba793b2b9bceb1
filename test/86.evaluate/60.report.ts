import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { Classifier } from '../../src/classify';
import { openDataset } from '../../src/dataset';
import { EvaluationError, OptionError } from '../../src/errors';
import { evaluate, type Evaluation } from '../../src/evaluate';
import { writeReport } from '../../src/report';
import { browserOrSkip, inEveryView } from '../support/browser';
import { colors, openColorModel, saveColor, saveColorModel } from '../support/color-model';
import { temporaryDirectory } from '../support/temporary';

describe('the report of an evaluation', function () {
  this.timeout(120_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  let models: Classifier[];
  let evaluations: Evaluation[];
  let browser: Browser | undefined;

  beforeEach(async () => {
    models = [
      await openColorModel(await saveColorModel(path('colors.pt'))),
      await openColorModel(await saveColorModel(path('<b>&.pt'), [0, 3.5, 0])),
    ];
    for (const color of colors) {
      for (let i = 0; i < 5; i++) {
        await saveColor(path(`val/${color}/${i}.png`), i === 0 ? 'blue' : color);
      }
    }
    evaluations = await evaluate(models, path('val'));
  });
  afterEach(async () => {
    await Promise.all(models.map((model) => model.close()));
    await browser?.close();
    browser = undefined;
  });

  it('shows figures, pictures and numbers in a browser, at any width, light and dark', async function () {
    browser = await browserOrSkip(this);
    await writeReport(path('report.html'), evaluations, path('val'), { model: models[0] });
    await inEveryView(browser, path('report.html'), checkPage);
  });

  async function checkPage(page: Page): Promise<void> {
    const text = await page.innerText('main');
    assert.match(text, /15 images\./);
    assert.match(text, /86\.67 %/);
    assert.match(text, /<b>&/);
    assert.match(text, /red taken for blue/);
    assert.match(text, /McNemar's exact test/);
    // Each chart has drawn something in the color of the first model.
    for (const id of ['reliability', 'classes']) {
      const labels = await page.evaluate<string[]>(
        `Chart.getChart('${id}').data.datasets.map(({ label }) => label)`,
      );
      assert.match(labels[0]!, /colors\.pt/);
      assert.match(labels[1]!, /<b>&\.pt/);
      const pixels = await page.evaluate<number>(`(() => {
        const canvas = document.getElementById('${id}');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4) {
          if (data[i] === 0 && data[i + 1] === 0x72 && data[i + 2] === 0xb2) count++;
        }
        return count;
      })()`);
      assert.ok(pixels > 100, `${id} has ${pixels} pixels of the first model`);
    }
    const cards = await page.evaluate<number>(
      `Chart.getChart('parameters').data.datasets.at(-1).data.length`,
    );
    assert.equal(cards, 13);
    const sizes = await page.evaluate<[number, string][]>(
      '[...document.images].map(({ naturalWidth, alt }) => [naturalWidth, alt])',
    );
    // Of two pairs and two mistakes.
    assert.deepEqual(sizes, [
      [320, 'green'],
      [320, 'red'],
      [320, 'green'],
      [320, 'heat map of blue'],
      [320, 'red'],
      [320, 'heat map of blue'],
    ]);
  }

  it('is one file without a network, whose text cannot become markup', async () => {
    await writeReport(path('report.html'), evaluations, await openDataset(path('val')));
    const html = await readFile(path('report.html'), 'utf8');
    assert.match(html, /default-src 'none'/);
    assert.doesNotMatch(html, /<b>/);
    assert.doesNotMatch(html, /(src|href)="(?!data:)/);
    assert.doesNotMatch(html, /heat map/);
  });

  it('refuses wrong arguments and paths', async () => {
    await assert.rejects(writeReport(path('x.html'), [], path('val')), OptionError);
    await assert.rejects(
      writeReport(path('x.html'), evaluations, path('val'), { orientation: 1 } as object),
      OptionError,
    );
    await assert.rejects(
      writeReport(path('val'), evaluations, path('val')),
      (error: unknown) =>
        error instanceof EvaluationError && error.what.includes('cannot be written'),
    );
  });
});
