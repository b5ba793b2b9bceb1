import { writeOutput } from '../evaluate';
import { checkPath } from '../options';
import { Pool, type Selection } from '../pseudo-labels';
import {
  checkSelectionReportOptions,
  type SelectionReportOptions,
} from './selection-report-options';

/**
 * Writes what was selected as one HTML file, which needs no network: the scores by rank; for each class a table row, and
 * pictures from the best to the worst. With `labels`, also the precision by rank with 95 % intervals by Wilson's score, to
 * choose `imagesPerClass` by, and marks on wrong pictures. An existing file is replaced.
 *
 * Pictures are of at most 50 classes: of more, those with the lowest precision, or else the lowest median score. The
 * pool is read once; of archives only the images that are shown. Those that are missing or unreadable are left blank.
 *
 * @param path the file to write
 * @param selection of `selectImages`
 * @throws DatasetError if the pool cannot be read
 * @throws EvaluationError if the file cannot be written
 * @throws OptionError if an option is unknown or has an invalid value
 */
export async function writeSelectionReport(
  path: string,
  selection: Selection,
  options: SelectionReportOptions,
): Promise<void> {
  checkPath('the path of a report', path);
  checkSelectionReportOptions(options, selection.numClasses);
  const pool = new Pool(options.pool);
  // Loaded on first use.
  const { composeSelectionReport } =
    require('./compose-selection-report') as typeof import('./compose-selection-report');
  await writeOutput(path, await composeSelectionReport(selection, pool, options));
}
