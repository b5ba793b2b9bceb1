import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Dataset } from '../dataset';
import type { Evaluation } from '../evaluate';
import { page } from './page';
import { drawPictures, selectImages } from './pictures';
import type { ReportOptions } from './report-options';

/** What a page is made of besides the evaluations. */
const assets = join(__dirname, '..', '..', 'assets', 'report');

/** The HTML of a report. */
export async function composeReport(
  evaluations: readonly Evaluation[],
  dataset: Dataset,
  options: ReportOptions,
): Promise<string> {
  const selection = selectImages(evaluations[0]!);
  const pictures = await drawPictures(dataset, selection, options);
  const asset = async (file: string) => await readFile(file, 'utf8');
  return page(evaluations, {
    ...{ dataset: dataset.name, date: new Date(), selection },
    ...pictures,
    style: await asset(join(assets, 'style.css')),
    charts: await asset(join(assets, 'charts.js')),
    chartLibrary: await asset(join(dirname(require.resolve('chart.js')), 'chart.umd.min.js')),
  });
}
