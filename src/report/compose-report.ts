import type { Dataset } from '../dataset';
import type { Evaluation } from '../evaluate';
import { readAssets } from './document';
import { page } from './page';
import { drawPictures, selectImages } from './pictures';
import type { ReportOptions } from './report-options';

/** The HTML of a report. */
export async function composeReport(
  evaluations: readonly Evaluation[],
  dataset: Dataset,
  options: ReportOptions,
): Promise<string> {
  const selection = selectImages(evaluations[0]!);
  const pictures = await drawPictures(dataset, selection, options);
  return page(evaluations, {
    ...{ dataset: dataset.name, date: new Date(), selection },
    ...pictures,
    assets: await readAssets('charts.js'),
  });
}
