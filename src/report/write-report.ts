import { openDataset, type Dataset } from '../dataset';
import { writeOutput, type Evaluation } from '../evaluate';
import type { ReportOptions } from './report-options';
import { checkOptionNames, checkPath, checkSignal, invalidArgument } from '../options';

/**
 * Writes a report of evaluations as one HTML file, which needs no network: accuracies beside those of the cards, by
 * parameters and GMACs; calibration; the classes that are recognized worst; the most confused pairs and the worst mistakes
 * of the first model, with pictures and, with `model`, heat maps. An existing file is replaced.
 *
 * @param path the file to write
 * @param evaluations of `evaluate`, with the same dataset
 * @param dataset that dataset, or its path, for the pictures
 * @throws DatasetError if the dataset cannot be read
 * @throws OptionError if an option is unknown or has an invalid value
 */
export async function writeReport(
  path: string,
  evaluations: Evaluation | readonly Evaluation[],
  dataset: Dataset | string,
  options: ReportOptions = {},
): Promise<void> {
  checkPath('the path of a report', path);
  checkOptionNames(options, ['model', 'orient', 'signal'], 'writeReport');
  checkSignal(options.signal);
  const list = Array.isArray(evaluations)
    ? (evaluations as readonly Evaluation[])
    : [evaluations as Evaluation];
  if (list.length === 0)
    throw invalidArgument('the evaluations', 'at least one evaluation', evaluations);
  const opened = typeof dataset === 'string' ? await openDataset(dataset) : dataset;
  // Loaded on first use.
  const { composeReport } = require('./compose-report') as typeof import('./compose-report');
  await writeOutput(path, await composeReport(list, opened, options));
}
