import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { EvaluationError } from '../../src/errors';
import { imagenetTransform } from '../../src/models/transform';
import { writeTrainingReport, type EpochResult, type FinetunedModel } from '../../src/train';
import { browserOrSkip, inEveryView } from '../support/browser';
import { temporaryDirectory } from '../support/temporary';

describe('the report of a training', function () {
  this.timeout(60_000);
  const directory = temporaryDirectory();
  const path = (name: string) => join(directory.path, name);
  let browser: Browser | undefined;
  afterEach(async () => {
    await browser?.close();
    browser = undefined;
  });

  const epochs: EpochResult[] = [
    { epoch: 1, loss: 2.5, accuracy: 0.25, lr: 0.02, validation: { top1: 0.5, nll: 1.75 } },
    { epoch: 2, loss: 1.5, accuracy: 0.5, lr: 0.01, validation: { top1: 0.75, nll: 0.875 } },
    { epoch: 3, loss: 1.25, accuracy: 0.625, lr: 0, validation: { top1: 0.625, nll: 1 } },
  ];
  const trained = (more: Partial<FinetunedModel> = {}): FinetunedModel => ({
    ...{ path: path('a.pt'), epochs, bestEpoch: 2, completed: true, waiting: 0 },
    training: { count: 9, fingerprint: '', unreadable: 0, unlabeled: 0 },
    evaluation: undefined,
    metadata: {
      ...{ name: '<b>&', architecture: 'resnet18', stride: 'v1.5', numClasses: 3 },
      ...{ head: 'trained', labels: ['a', 'b', 'c'], license: null, source: null },
      transform: imagenetTransform,
    },
    ...more,
  });

  it('shows the curves and the table in a browser, at any width, light and dark', async function () {
    browser = await browserOrSkip(this);
    await writeTrainingReport(path('report.html'), trained());
    await inEveryView(browser, path('report.html'), async (page) => {
      const curves = await page.evaluate<number[][][]>(
        `['loss', 'accuracy', 'lr'].map((id) => Chart.getChart(id).data.datasets.map(({ data }) => data))`,
      );
      assert.deepEqual(curves, [
        [
          [2.5, 1.5, 1.25],
          [1.75, 0.875, 1],
        ],
        [
          [0.25, 0.5, 0.625],
          [0.5, 0.75, 0.625],
        ],
        [[0.02, 0.01, 0]],
      ]);
      const text = await page.innerText('main');
      assert.match(text, /Training of <b>&/);
      assert.match(text, /Epoch 2 of 3 was written\./);
      assert.match(text, /2\s+0\.0100\s+1\.5000\s+50\.00 %\s+75\.00 %\s+0\.8750/);
    });
  });

  it('has the curves of the training alone if nothing was validated', async function () {
    browser = await browserOrSkip(this);
    const unjudged = epochs.map(({ validation, ...rest }) => (assert.ok(validation), rest));
    await writeTrainingReport(path('report.html'), trained({ epochs: unjudged, bestEpoch: 3 }));
    const page = await browser.newPage();
    await page.goto(pathToFileURL(path('report.html')).href);
    const curves = await page.evaluate<number>(`Chart.getChart('loss').data.datasets.length`);
    assert.equal(curves, 1);
  });

  it('is one file without a network, and says if the training was interrupted', async () => {
    await writeTrainingReport(path('report.html'), trained({ completed: false }));
    const html = await readFile(path('report.html'), 'utf8');
    assert.match(html, /The training was interrupted\./);
    assert.doesNotMatch(html, /<b>|(src|href)="/);
    await assert.rejects(writeTrainingReport(directory.path, trained()), EvaluationError);
  });
});
